package record_test

import (
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/record"
)

func TestParseAuthor(t *testing.T) {
	for text, want := range map[string]record.Author{
		"Ada <ada@example.com>":    {Name: "Ada", Email: "ada@example.com"},
		" Ada  <ada@example.com> ": {Name: "Ada", Email: "ada@example.com"},
		"renovate[bot] <29139614+renovate[bot]@users.noreply.github.com>": {Name: "renovate[bot]", Email: "29139614+renovate[bot]@users.noreply.github.com"},
		"Roe, Richard (ops) <ops@example.com>":                            {Name: "Roe, Richard (ops)", Email: "ops@example.com"},
		`Release: "main" <r@localhost>`:                                   {Name: `Release: "main"`, Email: "r@localhost"},
		"Zoë Šimić <z@example.com>":                                       {Name: "Zoë Šimić", Email: "z@example.com"},
		"=?utf-8?Q?A=0AB?= <a@example.com>":                               {Name: "=?utf-8?Q?A=0AB?=", Email: "a@example.com"},
	} {
		got, err := record.ParseAuthor(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := record.ParseAuthor(got.String()); err != nil || again != got {
			t.Errorf("%q reads back as %+v, %v", got.String(), again, err)
		}
	}
	for _, text := range []string{
		"", "Ada", "ada@example.com", "<ada@example.com>", " <ada@example.com>", "Ada <>", "Ada <a b@example.com>",
		"Ada <a@example.com> x", "Ada <a@example.com>\nX <x@example.com>", "A\nda <a@example.com>", "Ada <<a@example.com>>", "A\x00 <a@example.com>",
	} {
		if got, err := record.ParseAuthor(text); err == nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
