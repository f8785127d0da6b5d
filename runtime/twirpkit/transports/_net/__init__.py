"""Parts shared by the default transports: proxies, TLS, addresses, and the connection pool.

Modules that decide (`proxy`, `tls`, `address_race`, `connect_failures`, `connection_pool`, `route`) know no asyncio
and open no socket; `sync_connect` and `async_connect` do what they say, each in its own way of waiting.
"""
