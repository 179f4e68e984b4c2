package gitrepo

// Rung returns the name of the way in which the server is asked.
func (r *Repo) Rung() string { return r.picker.Rung() }

// Scheme returns the scheme of the repository's address.
func (r *Repo) Scheme() string { return string(r.addr.Scheme) }
