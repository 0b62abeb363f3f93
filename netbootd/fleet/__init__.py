"""Machines: what the files say of them, what is on record, and where each stands in its life.

    snapshot, rules       the fleet as settings describe it: immutable, swapped whole on reload
    record                values: a machine, its boots, how an installation ended
    identity, sightings   which record is this machine?  What does it become when the machine shows up?
    records, attempts     all machines and their boots, in memory and bounded
    merged, export        the two together, with the origin of each value; as a table
    lifecycle             the states of a machine in one picture; may it have its payload now?
    ledger                where each machine stands with a profile that boots once: the truth packets look at
    store, database ...   what is kept, and how it reaches the disk
    behind, history       records and boots on their way there, and their tables
"""
