"""Machines: what the files say of them, what is on record, and where each stands in its life.

snapshot, rules       the fleet as settings describe it: immutable, swapped whole on reload
record                values: a machine, its boots, how an installation ended
identity, sightings   which record is this machine?  What does it become when the machine shows up?
family                all cards of one machine
happening             what a machine does, and how it becomes steps of a boot
records, attempts     all machines and their boots, in memory and bounded
overlay               what was set by the API, laid under what a file says
merged, export        file and record together, with the origin of each value; as a table
soft_serials          what a soft serial may be, and which is the next; numbered: which a machine has, and who says so
lifecycle             the states of a machine in one picture; may it have its payload now?
limits                how long its installation may take
ledger                where each machine stands with a profile that boots once: the truth packets look at
changes               what is kept of that, the changes to it, and what refuses them: several daemons may share it
store, hearing        how changes reach the database, and what others did comes back, while nobody waits
state, database       which database the settings name, and what one has to do
sqlite, postgresql    those there are
tables, statements    what is in them, the same for both; migrations: and how that came to be
behind, history       records and boots on their way there, and their tables; record_json: how each is written
grants                the table of tokens
merging, sharing      what two daemons made of one of them; what others did, taken in here
asked, peek           what a state holds, for commands that speak without the daemon
"""
