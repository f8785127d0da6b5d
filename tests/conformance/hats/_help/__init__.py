"""Help texts of the small SDK."""

SERVICES = {"hats": "Makes hats."}
