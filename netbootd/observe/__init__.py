"""Events and what is made of them::

    a shell's emit(event) -> hub: who it is about -> log: sentences, counted by floods -> a terminal, the journal, JSON
                                                  -> metrics -> Prometheus
                                                  -> boots: steps of a boot -> `fleet`, and from there tracing

`events` is the documented list.  running, plain and servers are sinks, too: what is on its way, and what is overheard
of machines and of other servers.  `state` has the words for a database that is new or cannot be written.  `diagnosis`
says of a boot why it stopped: pure functions over all of that.
"""
