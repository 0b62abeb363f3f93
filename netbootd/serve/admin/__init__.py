"""The admin side over HTTP: the page, metrics, health, and the JSON API.

problems, access      every request: what is wrong with it, in one form; who may ask
app, metrics          ``/healthz``, ``/metrics``
api, routes, openapi  the API as one table, which is served and described
asked, shapes         what comes in and what goes out, as models
roster, view          who there is; a machine with the origin of each value
overview              all of them in order, and counted
site                  all of it in one, behind one guard
machines, catalogue   looking
changes               changing; drafts, arguments: what is asked for, where files have the last word
stream, events        what happens, as it happens
token_file, secrets   the token for who comes from elsewhere; what no answer has
"""
