package environs

import "strings"

// classes gives each environment's word the class of words that mean the same.
var classes = map[string]string{
	"prod": "prod", "production": "prod", "prd": "prod", "live": "prod",
	"stage": "stage", "staging": "stage", "stg": "stage",
	"dev": "dev", "develop": "dev", "development": "dev",
	"test": "test", "testing": "test",
	"qa": "qa", "uat": "uat", "ithc": "ithc",
	"preprod": "preprod", "preproduction": "preprod",
	"nonprod": "nonprod", "nonproduction": "nonprod",
	"sandbox": "sandbox", "sbox": "sandbox",
	"preview": "preview", "demo": "demo", "integration": "integration", "perf": "perf",
}

// unsure are the classes whose words are also parts of components' names:
// test-runner, demo-app, web-integration.
var unsure = map[string]bool{"test": true, "demo": true, "preview": true, "integration": true, "perf": true}

// whereWords says where in a name a word counts.
type whereWords int

const (
	wholeOrSure whereWords = iota // as the whole name; and a word that is sure, between dashes
	anywhere                      // between dashes
)

var (
	separators = strings.NewReplacer(".", "-", "_", "-")
	compounds  = strings.NewReplacer("pre-prod", "preprod", "non-prod", "nonprod")
)

// wordsIn returns the classes of the environments' words in a folder's or file's
// name. Dots and underscores part words as dashes do.
func wordsIn(name string, where whereWords) []string {
	name = compounds.Replace(separators.Replace(name))
	if class, whole := classes[name]; whole {
		return []string{class}
	}
	var found []string
	for word := range strings.SplitSeq(name, "-") {
		class, known := classes[word]
		if known && (where == anywhere || !unsure[class]) {
			found = append(found, class)
		}
	}
	return found
}
