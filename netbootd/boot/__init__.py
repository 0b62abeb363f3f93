"""What does this client get?  identify, decide, reply, render.  Pure."""
