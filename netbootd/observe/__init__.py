"""Events and what is made of them::

    a shell's emit(event) -> hub: who it is about -> log: sentences, counted by floods -> a terminal, the journal, JSON
                                                  -> metrics -> Prometheus

`events` is the documented list.
"""
