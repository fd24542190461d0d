"""
hmacfs among the programs that it works with: real XMPP servers and a real XMPP
client, tus clients, a real browser, a real proxy.

These modules are not named ``test_*``, so that ``trial tests`` runs on a
machine without those programs.  ``.ci/e2e`` runs them by name; a program that
is missing fails them there.
"""
