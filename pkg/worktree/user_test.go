package worktree

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUserIsThatOfTheHomeFolder(t *testing.T) {
	for text, want := range map[string][2]string{
		"": {},
		"[user]\n\tname = Ada Lovelace\n\temail = ada@acme.example\n":                     {"Ada Lovelace", "ada@acme.example"},
		"[user]\n\temail = ada@acme.example\n":                                            {"", "ada@acme.example"},
		"[include]\n\tpath = more\n[user]\n\temail = ada@acme.example\n":                  {"Grace", "ada@acme.example"},
		"[user]\n\tname = Ada\n[user]\n\tname = Lovelace\n[userx]\n\temail = a@b.example": {"Lovelace", ""},
		"[user\n": {},
	} {
		home := t.TempDir()
		for file, text := range map[string]string{".gitconfig": text, "more": "[user]\n\tname = Grace\n"} {
			if err := os.WriteFile(filepath.Join(home, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		name, email := User(t.Context(), "HOME="+home, "XDG_CONFIG_HOME=", "GIT_CONFIG_NOSYSTEM=1")
		if got := [2]string{name, email}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
