package files

import "testing"

func TestUnionOfSelections(t *testing.T) {
	production := MustSelect("production/*.yaml")
	staging := MustSelect("staging/values.yaml", "staging/.env")
	withChart, err := production.WithContext("Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name            string
		union           Selection
		wanted, context []string
	}{
		{"of both", production.Union(staging), []string{"production/a.yaml", "staging/values.yaml", "staging/.env"}, nil},
		{"with every manifest", Selection{}.Union(staging), []string{"production/a.yaml", "staging/values.yaml"}, []string{"staging/.env"}},
		{"every manifest with", staging.Union(Selection{}), []string{"production/a.yaml", "staging/values.yaml"}, []string{"staging/.env"}},
		{"keeps context", withChart.Union(staging), []string{"production/a.yaml", "staging/.env"}, []string{"Chart.yaml"}},
	} {
		for _, name := range test.wanted {
			if !test.union.Wants(name) {
				t.Errorf("%s: %s is not wanted", test.name, name)
			}
		}
		for _, name := range test.context {
			if test.union.Wants(name) || !test.union.Includes(name) {
				t.Errorf("%s: %s is not context", test.name, name)
			}
		}
	}
	if staging.Wants("production/a.yaml") || production.Union(staging).Wants("dev/a.yaml") {
		t.Error("a union changed what it was made of, or wants more")
	}
}
