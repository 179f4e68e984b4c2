package gitrepo

// Rung returns the name of the way in which the server is asked.
func (r *Repo) Rung() string { return r.picker.Rung() }
