"""What the transports on sockets of our own share: proxies, TLS, addresses, and the pool of connections.

Modules that decide (`proxy`, `tls`, `address_race`, `connect_failures`, `connection_pool`, `route`) know no asyncio
and open no socket; `sync_connect` and `async_connect` do what they say, each in its own way of waiting.
"""
