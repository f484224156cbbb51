"""Users, workspaces, memberships and roles."""
