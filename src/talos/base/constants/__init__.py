"""Names and numbers of the original that several rooms need: paths, ports, versions, users, cgroups.

They are facts of the wire and file compatibility; a value used in one place lives in that place.
"""
