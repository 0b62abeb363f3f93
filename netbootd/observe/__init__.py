"""Events and what is made of them: log lines and metrics."""
