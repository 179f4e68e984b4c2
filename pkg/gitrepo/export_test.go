package gitrepo

// Rung tells how the server is being asked.
func (r *Repo) Rung() string { return r.rung.String() }
