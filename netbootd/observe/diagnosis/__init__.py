"""Why a boot stopped: a table of causes, each with the evidence that it needs and what to do about it.

Pure functions over values: `model.Case` is all that is known of one boot, `table.diagnose` what it amounts to.  One
module for each family of causes, in the order of a boot; `times` says how long each step may take before its absence
means anything, so that a healthy boot is never called sick.  A machine that is held back, waits to be armed or sees
the menu is not sick either.
"""
