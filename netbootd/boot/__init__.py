"""What does this client get?  Pure::

    wire.Packet -> identify -> Client -> decide -> Answer | Silence -> reply -> wire.Packet
                                           ^ memory: what it was told a moment ago, and what works for its make
    facts, args -> payloads: a Plan -> render -> the text of a script

``quirks`` and ``arch`` are the tables behind the first line, ``site`` says how every address and URL handed out reads.
"""
