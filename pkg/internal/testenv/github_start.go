package testenv

import "testing"

// StartGitHub serves a GitHub for the length of a test and returns it with the
// root of its API.
func StartGitHub(t testing.TB, opts GitHubOptions) (hub *GitHub, apiURL string) {
	t.Helper()
	hub = NewGitHub(opts)
	apiURL, stop, err := hub.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() }) //nolint:errcheck // nothing hangs on it
	return hub, apiURL
}
