"""The door: YAML comes in, typed and frozen values of the core go on, or every mistake is named at once.

`document` reads YAML with places, `expansion` completes templates and variables, `schema` and `values` say
what may stand where, `validation` words what is wrong, `profiles` and `looks` parse what concerns probes,
`builder` makes the core's values. Nothing here looks at the network, and nothing behind it sees a file.
"""

from monitor.config.inventory import load_inventory, profile_paths
from monitor.config.profiles import Profile, load_profile
from monitor.config.shipped import shipped

__all__ = ["Profile", "load_inventory", "load_profile", "profile_paths", "shipped"]
