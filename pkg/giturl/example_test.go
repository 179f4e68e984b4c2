package giturl_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/giturl"
)

func ExampleParse() {
	for _, raw := range []string{"git@ssh.github.com:acme/charts.git", "HTTPS://ci:s3cret@GitLab.com/acme/ops/charts"} {
		a, err := giturl.Parse(raw)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s: forge %s, owner %s, name %s, credentials %t\n", a, a.ForgeHost(), a.Owner(), a.Name(), a.HasCredentials())
	}
	// Output:
	// git@ssh.github.com:acme/charts.git: forge github.com, owner acme, name charts, credentials false
	// https://REDACTED@gitlab.com/acme/ops/charts: forge gitlab.com, owner acme/ops, name charts, credentials true
}
