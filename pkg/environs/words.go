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

// SameWord reports whether two names are equal but for their case, or are words for
// one kind of environment, as prod and production.
func SameWord(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	return a == b || classes[a] != "" && classes[a] == classes[b]
}

// unsure are words that are parts of components' names as well: test-runner,
// demo-app, web-integration, live-map.
var unsure = map[string]bool{
	"test": true, "testing": true, "demo": true, "preview": true, "integration": true, "perf": true, "live": true,
}

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

// wordsOf cuts a name at its dashes, dots and underscores.
func wordsOf(name string) []string {
	return strings.Split(compounds.Replace(separators.Replace(name)), "-")
}

// wordsIn returns the classes of the environments' words in a folder's or file's
// name.
func wordsIn(name string, where whereWords) []string {
	words := wordsOf(name)
	var found []string
	for _, word := range words {
		class, known := classes[word]
		if known && (where == anywhere || len(words) == 1 || !unsure[word]) {
			found = append(found, class)
		}
	}
	return found
}
