package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

const agentLine = "agent=tagbump"

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// capabilities are what a server said it can do.
type capabilities struct {
	v0       bool // the server speaks version 0 (or 1) only
	filter   bool
	shallow  bool
	sideband bool // v0; in version 2 there always are
	multiACK bool // v0; Azure DevOps refuses clients that do not ask for it
}

// assumed is what a server is taken for until it shows otherwise: it saves the
// request by which git asks first.
var assumed = capabilities{filter: true, shallow: true, sideband: true}

// errDeclined is in the chain when a server did not answer a fetch, or said that
// it does not do what was asked. Another request may do.
var errDeclined = errors.New("the server does not answer this request")

// A fetchRequest names the objects that are wanted and how little with them.
type fetchRequest struct {
	wants  []plumbing.Hash
	haves  []plumbing.Hash // what need not be sent, nor what is below it
	depth  int             // of history; 0 when no commit is among wants, or for all of it
	filter string          // as in git's --filter; "" for none
	budget int64           // end with errBudget after so many bytes of pack; 0: never
	enough func(plumbing.Hash) bool
}

// An update moves a branch, or makes it when old is zero.
type update struct {
	branch   string
	old, new plumbing.Hash
	objects  []newObject
}

// whole is u without deltas; false when there were none.
func (u update) whole() (update, bool) {
	objects, thin := slices.Clone(u.objects), false
	for i := range objects {
		thin = thin || objects[i].delta != nil
		objects[i].delta = nil
	}
	u.objects = objects
	return u, thin
}

func branchRef(branch string) string { return "refs/heads/" + branch }

// A greeting is what a server says first: what it can do and, in version 0, also
// where its branches stand.
type greeting struct {
	caps     capabilities
	branches advertisement // v0
}

// An advertisement is what a version 0 server says of one branch and of HEAD.
type advertisement struct {
	tip    plumbing.Hash // of the branch that was asked for
	head   plumbing.Hash
	symref string // the branch that HEAD names
}

// at answers for branch, or for the default branch when branch is "".
func (a advertisement) at(branch string) (ref, error) {
	if branch != "" {
		return ref{branch, a.tip}, nil
	}
	found := ref{a.symref, a.head}
	return found, headless(found)
}

// readGreeting reads to the end of it. Of all the branches that a version 0
// server lists, it keeps only the one that is asked for.
func readGreeting(p *packetReader, branch string) (greeting, error) {
	kind, line, err := p.line()
	if err == nil && strings.HasPrefix(line, "# service=") {
		if kind, line, err = p.line(); err == nil && kind == flushPacket {
			kind, line, err = p.line()
		}
	}
	switch {
	case err != nil:
		return greeting{}, noEOF(err)
	case kind == dataPacket && line == "version 2":
		caps, err := readCapabilities(p)
		return greeting{caps: caps}, err
	case kind == dataPacket && line == "version 1":
		if kind, line, err = p.line(); err != nil {
			return greeting{}, noEOF(err)
		}
	}
	if kind == flushPacket { // an empty repository of the old kind
		return greeting{caps: capabilities{v0: true}}, nil
	}
	return readAdvertisement(p, line, branch)
}

func readAdvertisement(p *packetReader, line, branch string) (greeting, error) {
	first, words, _ := strings.Cut(line, "\x00")
	g := greeting{caps: capabilities{v0: true}}
	if err := g.read(words); err != nil {
		return g, err
	}
	for line = first; ; {
		id, name, _ := strings.Cut(line, " ")
		switch {
		case name == "" || id != "shallow" && len(id) != 40:
			return g, errNotPackets
		case name == "HEAD":
			g.branches.head = plumbing.NewHash(id)
		case branch != "" && name == branchRef(branch):
			g.branches.tip = plumbing.NewHash(id)
		}
		kind, next, err := p.line()
		if err != nil {
			return g, noEOF(err)
		}
		if kind == flushPacket {
			return g, nil
		}
		line = next
	}
}

// read takes the words behind the first branch.
func (g *greeting) read(text string) error {
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "filter":
			g.caps.filter = true
		case "shallow":
			g.caps.shallow = true
		case "side-band-64k":
			g.caps.sideband = true
		case "multi_ack_detailed":
			g.caps.multiACK = true
		case "symref":
			if branch, is := strings.CutPrefix(value, "HEAD:refs/heads/"); is {
				g.branches.symref = branch
			}
		case "object-format":
			if value != "sha1" {
				return errSHA256
			}
		}
	}
	return nil
}

func readCapabilities(p *packetReader) (capabilities, error) {
	caps := capabilities{sideband: true}
	for {
		kind, line, err := p.line()
		if err != nil {
			return caps, noEOF(err)
		}
		if kind != dataPacket {
			return caps, nil
		}
		name, value, _ := strings.Cut(line, "=")
		switch name {
		case "fetch":
			for _, word := range strings.Fields(value) {
				caps.filter = caps.filter || word == "filter"
				caps.shallow = caps.shallow || word == "shallow"
			}
		case "object-format":
			if value != "sha1" {
				return caps, errSHA256
			}
		}
	}
}

var errSHA256 = fail(ErrUnsupported, "is a SHA-256 repository, which is not supported")

// lsRefs asks for one branch and for what HEAD names.
func lsRefs(branch string) []byte {
	var p packets
	p.line("command=ls-refs")
	p.line(agentLine)
	p.delim()
	if branch == "" {
		p.line("symrefs")
		p.line("ref-prefix HEAD")
	} else {
		p.line("ref-prefix %s", branchRef(branch))
	}
	p.flush()
	return p.Bytes()
}

// readRefs reads the answer to lsRefs. A prefix matches longer names, too.
func readRefs(p *packetReader, branch string) (ref, error) {
	found := ref{branch: branch}
	for {
		kind, line, err := p.line()
		if err != nil {
			return found, noEOF(err)
		}
		if kind != dataPacket {
			return found, headless(found)
		}
		id, rest, _ := strings.Cut(line, " ")
		name, attributes, _ := strings.Cut(rest, " ")
		switch {
		case len(id) == 64:
			return found, errSHA256
		case len(id) != 40:
			return found, errNotPackets
		case branch == "" && name == "HEAD":
			found = ref{symrefTarget(attributes), plumbing.NewHash(id)}
		case branch != "" && name == branchRef(branch):
			found.tip = plumbing.NewHash(id)
		}
	}
}

// headless refuses an answer without a default branch: the repository is empty,
// or its HEAD names no branch.
func headless(found ref) error {
	if found.branch != "" {
		return nil
	}
	if found.tip.IsZero() {
		return fail(ErrNotFound, "has no default branch: it is empty, or its HEAD names a branch that does not exist")
	}
	return fail(ErrNotFound, "its HEAD names no branch").withHint("name the branch")
}

func symrefTarget(attributes string) string {
	for _, word := range strings.Fields(attributes) {
		if target, is := strings.CutPrefix(word, "symref-target:refs/heads/"); is {
			return target
		}
	}
	return ""
}

func fetchCommand(caps capabilities, req fetchRequest) []byte {
	if caps.v0 {
		return fetchCommand0(caps, req)
	}
	var p packets
	p.line("command=fetch")
	p.line(agentLine)
	p.delim()
	p.line("no-progress")
	p.line("ofs-delta")
	for _, id := range req.wants {
		p.line("want %s", id)
	}
	for _, id := range req.haves {
		p.line("have %s", id)
	}
	if req.depth > 0 {
		p.line("deepen %d", req.depth)
	}
	if req.filter != "" {
		p.line("filter %s", req.filter)
	}
	p.line("done")
	p.flush()
	return p.Bytes()
}

// fetchCommand0 is fetchCommand in version 0, where capabilities stand behind
// the first want.
func fetchCommand0(caps capabilities, req fetchRequest) []byte {
	var p packets
	words := " ofs-delta no-progress " + agentLine
	for _, word := range []struct {
		text string
		use  bool
	}{
		{"side-band-64k", caps.sideband},
		{"multi_ack_detailed", caps.multiACK},
		{"shallow", req.depth > 0},
		{"filter", req.filter != ""},
	} {
		if word.use {
			words += " " + word.text
		}
	}
	for _, id := range req.wants {
		p.line("want %s%s", id, words)
		words = ""
	}
	if req.depth > 0 {
		p.line("deepen %d", req.depth)
	}
	if req.filter != "" {
		p.line("filter %s", req.filter)
	}
	p.flush()
	for _, id := range req.haves {
		p.line("have %s", id)
	}
	p.line("done")
	return p.Bytes()
}

// readFetch reads the answer to fetchCommand into s. An answer that does not
// begin is errDeclined.
func readFetch(p *packetReader, caps capabilities, req fetchRequest, s *store) error {
	for first := true; ; first = false {
		kind, line, err := p.line()
		var said serverError
		switch {
		case errors.As(err, &said), err != nil && first && errors.Is(err, io.EOF):
			return because(errDeclined, err, "")
		case err != nil:
			return noEOF(err)
		case kind == dataPacket && line == "packfile":
			return readBandedPack(p, req, s)
		case caps.v0 && (line == "NAK" || strings.HasPrefix(line, "ACK ") && !strings.Contains(line[4:], " ")):
			return readPack0(p, caps, req, s)
		case kind == flushPacket && !caps.v0:
			return because(errDeclined, errors.New("the server sent no pack"), "")
		}
	}
}

func readPack0(p *packetReader, caps capabilities, req fetchRequest, s *store) error {
	if caps.sideband {
		return readBandedPack(p, req, s)
	}
	return readPack(budgeted(p.r, req.budget), s, req)
}

func readBandedPack(p *packetReader, req fetchRequest, s *store) error {
	band := &sideband{packets: p}
	if err := readPack(budgeted(band, req.budget), s, req); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, band)
	return err
}

func pushCommand(u update) []byte {
	var p packets
	p.raw(fmt.Sprintf("%s %s %s\x00 report-status side-band-64k quiet %s", u.old, u.new, branchRef(u.branch), agentLine))
	p.flush()
	p.Write(writePack(u.objects))
	return p.Bytes()
}

// A rejection is a push that the server answered with no.
type rejection struct {
	status string // of the branch or of the pack: "pre-receive hook declined"
	remote string // what git shows behind "remote:"
}

func (r *rejection) Error() string {
	text := httpx.Line(r.remote, longestWords)
	if text == "" {
		return httpx.Line(r.status, longestWords)
	}
	return fmt.Sprintf("%s (remote: %s)", httpx.Line(r.status, longestWords), text)
}

// readReport reads the answer to a push. A nil error means that the server says
// it moved the branch.
func readReport(r io.Reader, branch string) error {
	p := newPacketReader(r)
	first, err := p.r.Peek(5)
	if err != nil {
		return noEOF(err)
	}
	if first[4] > 3 { // a server without side bands
		return readStatus(p, branch, func() string { return "" })
	}
	band := &sideband{packets: p}
	status := newPacketReader(band)
	err = readStatus(status, branch, func() string {
		_, _ = io.Copy(io.Discard, band) // text may follow the report
		return band.text.String()
	})
	return withRemote(err, band.text.String())
}

// withRemote adds what the server said before it gave up without a report.
func withRemote(err error, remote string) error {
	var said serverError
	if errors.As(err, &said) {
		return &rejection{status: string(said), remote: remote}
	}
	return err
}

func readStatus(p *packetReader, branch string, remote func() string) error {
	moved, problem := false, ""
	for {
		kind, line, err := p.line()
		if err != nil {
			return noEOF(err)
		}
		if kind == flushPacket {
			break
		}
		verb, rest, _ := strings.Cut(line, " ")
		name, reason, _ := strings.Cut(rest, " ")
		switch {
		case verb == "unpack" && rest != "ok":
			problem = "unpack: " + rest
		case verb == "ok" && name == branchRef(branch):
			moved = true
		case verb == "ng" && problem == "":
			problem = reason
		}
	}
	text := remote()
	if problem == "" && moved {
		return nil
	}
	return &rejection{status: firstOf(problem, "the server did not say that it moved the branch"), remote: text}
}
