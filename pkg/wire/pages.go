package wire

// WebURL returns where a person finds the repository in a browser, "" for a local one.
func (p Place) WebURL() string {
	if p.Local || p.address.Scheme == "" {
		return ""
	}
	return p.address.WebURL()
}

// CommitURL returns the page of a commit, "" without one or where the forge is not known.
func (p Place) CommitURL(hash string) string {
	if hash == "" || p.commitPath == "" || p.WebURL() == "" {
		return ""
	}
	return p.WebURL() + p.commitPath + hash
}
