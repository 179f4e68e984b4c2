package redact

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	// shortest is the length in bytes of the shortest secret that is masked. A
	// shorter one would mask ordinary words (CircleCI has the same limit).
	shortest = 4
	// shortestInWord is the length of the shortest secret that is masked inside a
	// longer word. With a password 2024, the tag master-202406151230 stays.
	shortestInWord = 8
	// shortestCore is the least number of base64 characters that identify a secret.
	shortestCore = 7
	// shortestLine is the length of the shortest line of a longer secret, such as
	// a private key, that is masked on its own.
	shortestLine = 16
)

// Secrets knows the secrets of one run. Copies share what they know, and may be
// used by several goroutines. The zero value knows none and cannot learn any.
type Secrets struct{ known *known }

type known struct {
	mu       sync.RWMutex
	values   []string // secrets and their spellings, the longest first
	encoded  []string // parts of base64 that only a secret has
	replacer *strings.Replacer
	words    []string // short secrets
}

// NewSecrets returns Secrets that mask each of values in every spelling in which
// it may travel. White space around a value does not count. Values shorter than 4
// bytes are left out.
func NewSecrets(values ...string) Secrets {
	s := Secrets{new(known)}
	s.Add(values...)
	return s
}

// Add masks values, too, from now on: credentials that are only found in the
// course of a run.
func (s Secrets) Add(values ...string) {
	s.known.mu.Lock()
	defer s.known.mu.Unlock()
	for _, value := range values {
		s.known.add(strings.TrimSpace(value))
	}
	slices.SortStableFunc(s.known.values, func(a, b string) int { return len(b) - len(a) })
	s.known.values = slices.Compact(s.known.values)
	pairs := make([]string, 0, 2*len(s.known.values))
	for _, value := range s.known.values {
		pairs = append(pairs, value, Mask)
	}
	s.known.replacer = strings.NewReplacer(pairs...)
}

func (k *known) add(value string) {
	if len(value) < shortest {
		return
	}
	for _, core := range base64Cores(value) {
		if len(core) >= shortestCore {
			k.encoded = append(k.encoded, core)
		}
	}
	if len(value) < shortestInWord {
		k.words = append(k.words, spellings(value)...)
		return
	}
	k.values = append(k.values, spellings(value)...)
	lines := strings.FieldsFunc(value, func(c rune) bool { return c == '\n' || c == '\r' })
	for _, line := range lines {
		if len(lines) > 1 && len(line) >= shortestLine && !strings.HasPrefix(line, "-----") {
			k.values = append(k.values, spellings(line)...)
		}
	}
}

// Text masks the known secrets in text, and the user part of every URL.
func (s Secrets) Text(text string) string { return Text(s.Known(text)) }

// Known masks the known secrets in text, and leaves URLs as they are. It is for
// text out of files, where the user part of a URL is usually not a secret.
func (s Secrets) Known(text string) string {
	if s.known == nil {
		return text
	}
	s.known.mu.RLock()
	defer s.known.mu.RUnlock()
	for _, core := range s.known.encoded {
		text = maskAround(text, core, isBase64)
	}
	if s.known.replacer != nil {
		text = s.known.replacer.Replace(text)
	}
	for _, word := range s.known.words {
		text = maskWord(text, word)
	}
	return text
}

// maskAround masks each occurrence of part together with the bytes on both sides
// that belong to it.
func maskAround(text, part string, belongs func(byte) bool) string {
	var b strings.Builder
	for {
		start := strings.Index(text, part)
		if start < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := start + len(part)
		for start > 0 && belongs(text[start-1]) {
			start--
		}
		for end < len(text) && belongs(text[end]) {
			end++
		}
		b.WriteString(text[:start] + Mask)
		text = text[end:]
	}
}

// maskWord masks each occurrence of word that is not part of a longer word.
func maskWord(text, word string) string {
	var b strings.Builder
	for {
		start := strings.Index(text, word)
		if start < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := start + len(word)
		inWord := start > 0 && isWord(text[start-1]) || end < len(text) && isWord(text[end])
		if inWord {
			b.WriteString(text[:end])
		} else {
			b.WriteString(text[:start] + Mask)
		}
		text = text[end:]
	}
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func isBase64(c byte) bool { return isWord(c) || c == '+' || c == '/' || c == '-' || c == '=' }

// spellings returns value as it is, in URLs, in JSON, in HTML, and quoted.
func spellings(value string) []string {
	quoted := strconv.Quote(value)
	inJSON, _ := json.Marshal(value) // a string can always be encoded
	all := []string{
		value,
		url.QueryEscape(value), url.PathEscape(value), url.UserPassword("u", value).String()[2:],
		quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1]), html.EscapeString(value),
	}
	for _, escaped := range all[1:4] {
		all = append(all, lowerPercent(escaped))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lowerPercent writes the hexadecimal digits of percent-encoding in lower case.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:i+3], strings.ToLower(s[i:i+3]))
		}
	}
	return string(b)
}

// base64Cores returns the characters that every base64 text has which encodes
// value with anything before and after it: one text for each position at which
// value can begin in a group of three bytes, in both alphabets. So the user's
// name in a header "Basic …" need not be known.
func base64Cores(value string) []string {
	var cores []string
	for before := range 3 {
		padded := append(make([]byte, before), value...)
		first := (before*8 + 5) / 6    // characters that depend on what is before
		certain := len(padded) * 8 / 6 // characters that do not depend on what is after
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			cores = append(cores, encoding.EncodeToString(padded)[first:certain])
		}
	}
	slices.Sort(cores)
	return slices.Compact(cores)
}
