"""The admin side over HTTP: the page, metrics, health; bound to loopback unless told otherwise."""
