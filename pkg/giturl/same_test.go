package giturl

import "testing"

func TestSameRepository(t *testing.T) {
	for _, test := range []struct {
		one, other string
		want       bool
	}{
		{"https://github.com/acme/charts.git", "https://github.com/acme/charts", true},
		{"https://github.com/acme/charts.git", "git@github.com:acme/charts.git", true},
		{"https://github.com/acme/charts.git", "ssh://git@ssh.github.com:443/acme/charts", true},
		{"https://github.com/Acme/Charts/", "https://x-access-token@GitHub.com/acme/charts.git", true},
		{"https://github.com/acme/charts", "https://gitlab.com/acme/charts", false},
		{"https://github.com/acme/charts", "https://github.com/acme/charts-old", false},
		{"https://gitlab.com/acme/platform/charts", "git@gitlab.com:acme/platform/charts.git", true},
		{"https://gitlab.com/acme/platform/charts", "git@gitlab.com:platform/charts.git", false},
		{"git@git.corp.example:acme/charts", "ssh://git@git.corp.example:2222/acme/charts.git", true},
		{"http://127.0.0.1:27410/gitops.git", "http://127.0.0.1:27410/gitops", true},
		{"http://127.0.0.1:27410/gitops.git", "http://127.0.0.1:27411/gitops.git", false},
		{"https://git.corp.example/acme/charts", "https://git.corp.example:443/acme/charts", true},
		{"http://git.corp.example/acme/charts", "https://git.corp.example/acme/charts", true},
		{"https://dev.azure.com/acme/shop/_git/charts", "git@ssh.dev.azure.com:v3/acme/shop/charts", true},
		{"https://acme@dev.azure.com/acme/shop/_git/charts", "https://dev.azure.com/acme/shop/_git/web", false},
		{"/srv/charts.git", "/srv/charts.git", true},
		{"oci://registry-1.docker.io/acme/charts", "https://github.com/acme/charts", false},
		{"", "", true},
		{"", "https://github.com/acme/charts", false},
	} {
		if got := SameRepository(test.one, test.other); got != test.want {
			t.Errorf("SameRepository(%q, %q) = %v", test.one, test.other, got)
		}
		if got := SameRepository(test.other, test.one); got != test.want {
			t.Errorf("SameRepository(%q, %q) = %v", test.other, test.one, got)
		}
	}
}
