--- The operations that a resource may have, in the order in which they are listed.
return { "create", "get", "update", "delete", "list" }
