package testenv

// githubTest is what StartGitHub needs of a *testing.T; naming it here keeps the
// testing package out of programs that serve a GitHub themselves.
type githubTest interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// StartGitHub serves a GitHub for the length of a test and returns it with the
// root of its API.
func StartGitHub(t githubTest, opts ForgeOptions) (hub *Forge, apiURL string) {
	t.Helper()
	hub = NewGitHub(opts)
	apiURL, stop, err := hub.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() }) //nolint:errcheck // nothing hangs on it
	return hub, apiURL
}
