package wire

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

const agentLine = "agent=tagbump"

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// A listing says which refs of a server are wanted: one branch, what HEAD names, or all
// branches that begin alike. Reading fills it.
type listing struct {
	branch string // "" for HEAD
	all    bool   // those that begin with branch, which "" all do

	tip    plumbing.Hash // of the branch, or of HEAD
	symref string        // the branch that HEAD names
	names  []string      // of all
}

// add takes a ref of the server's. A server may send more than it was asked for.
func (l *listing) add(id, name string) {
	branch, isBranch := strings.CutPrefix(name, branchRef(""))
	switch {
	case l.all && isBranch && strings.HasPrefix(branch, l.branch):
		l.names = append(l.names, branch)
	case l.all:
	case l.branch == "" && name == "HEAD", isBranch && branch == l.branch:
		l.tip = plumbing.NewHash(id)
	}
}

// found returns the branch, or the default branch.
func (l *listing) found() (Ref, error) {
	if l.branch != "" {
		return Ref{l.branch, l.tip}, nil
	}
	found := Ref{l.symref, l.tip}
	return found, headless(found)
}

// A greeting is what a server says first: what it can do and, in version 0, also its refs.
type greeting struct {
	caps Capabilities
	refs listing // v0
}

// readGreeting reads a whole greeting. Of all the refs that a version 0 server lists, it
// keeps those that are wanted.
func readGreeting(p *packetReader, want listing) (greeting, error) {
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
		return greeting{caps: Capabilities{v0: true}, refs: want}, nil
	}
	return readAdvertisement(p, line, want)
}

func readAdvertisement(p *packetReader, line string, want listing) (greeting, error) {
	first, words, _ := strings.Cut(line, "\x00")
	g := greeting{caps: Capabilities{v0: true}, refs: want}
	if err := g.readWords(words); err != nil {
		return g, err
	}
	for line = first; ; {
		id, name, _ := strings.Cut(line, " ")
		if name == "" || id != "shallow" && len(id) != 40 {
			return g, errNotPackets
		}
		g.refs.add(id, name)
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

// readWords reads the capabilities that a version 0 server writes behind the first branch.
func (g *greeting) readWords(text string) error {
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "filter":
			g.caps.Filter = true
		case "shallow":
			g.caps.Shallow = true
		case "side-band-64k":
			g.caps.sideband = true
		case "multi_ack_detailed":
			g.caps.multiACK = true
		case "symref":
			if branch, is := strings.CutPrefix(value, "HEAD:refs/heads/"); is {
				g.refs.symref = branch
			}
		case "object-format":
			if value != "sha1" {
				return errSHA256
			}
		}
	}
	return nil
}

func readCapabilities(p *packetReader) (Capabilities, error) {
	caps := Capabilities{sideband: true}
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
				caps.Filter = caps.Filter || word == "filter"
				caps.Shallow = caps.Shallow || word == "shallow"
			}
		case "object-format":
			if value != "sha1" {
				return caps, errSHA256
			}
		}
	}
}

var errSHA256 = Fail(ErrUnsupported, "is a SHA-256 repository, which is not supported")

// lsRefs asks for refs.
func lsRefs(want listing) []byte {
	var p packets
	p.line("command=ls-refs")
	p.line(agentLine)
	p.delim()
	if want.branch == "" && !want.all {
		p.line("symrefs")
		p.line("ref-prefix HEAD")
	} else {
		p.line("ref-prefix %s", branchRef(want.branch))
	}
	p.flush()
	return p.Bytes()
}

// readRefs reads the answer to lsRefs.
func readRefs(p *packetReader, refs listing) (listing, error) {
	for {
		kind, line, err := p.line()
		if err != nil {
			return refs, noEOF(err)
		}
		if kind != dataPacket {
			return refs, nil
		}
		id, rest, _ := strings.Cut(line, " ")
		name, attributes, _ := strings.Cut(rest, " ")
		switch {
		case len(id) == 64:
			return refs, errSHA256
		case len(id) != 40:
			return refs, errNotPackets
		case name == "HEAD":
			refs.symref = symrefTarget(attributes)
		}
		refs.add(id, name)
	}
}

// headless refuses an answer without a default branch: the repository is empty,
// or its HEAD names no branch.
func headless(found Ref) error {
	if found.Branch != "" {
		return nil
	}
	if found.Tip.IsZero() {
		return Fail(ErrNotFound, "has no default branch: it is empty, or its HEAD names a branch that does not exist").WithHint("name the branch with --branch")
	}
	return Fail(ErrNotFound, "its HEAD names no branch").WithHint("name the branch with --branch")
}

func symrefTarget(attributes string) string {
	for _, word := range strings.Fields(attributes) {
		if target, is := strings.CutPrefix(word, "symref-target:refs/heads/"); is {
			return target
		}
	}
	return ""
}

func fetchCommand(caps Capabilities, req Request) []byte {
	if caps.v0 {
		return fetchCommand0(caps, req)
	}
	var p packets
	p.line("command=fetch")
	p.line(agentLine)
	p.delim()
	p.line("no-progress")
	p.line("ofs-delta")
	for _, id := range req.Wants {
		p.line("want %s", id)
	}
	for _, id := range req.haves() {
		p.line("have %s", id)
	}
	if !req.Base.IsZero() {
		p.line("thin-pack")
		p.line("shallow %s", req.Base)
	}
	if req.Depth > 0 {
		p.line("deepen %d", req.Depth)
	}
	if req.Filter != "" {
		p.line("filter %s", req.Filter)
	}
	p.line("done")
	p.flush()
	return p.Bytes()
}

// fetchCommand0 is fetchCommand in version 0, where the capabilities are behind
// the first want.
func fetchCommand0(caps Capabilities, req Request) []byte {
	var p packets
	words := " ofs-delta no-progress " + agentLine
	for _, word := range []struct {
		text string
		use  bool
	}{
		{"side-band-64k", caps.sideband},
		{"multi_ack_detailed", caps.multiACK},
		{"shallow", req.Depth > 0},
		{"thin-pack", !req.Base.IsZero()},
		{"filter", req.Filter != ""},
	} {
		if word.use {
			words += " " + word.text
		}
	}
	for _, id := range req.Wants {
		p.line("want %s%s", id, words)
		words = ""
	}
	if !req.Base.IsZero() {
		p.line("shallow %s", req.Base)
	}
	if req.Depth > 0 {
		p.line("deepen %d", req.Depth)
	}
	if req.Filter != "" {
		p.line("filter %s", req.Filter)
	}
	p.flush()
	for _, id := range req.haves() {
		p.line("have %s", id)
	}
	p.line("done")
	return p.Bytes()
}

// readFetch reads the answer to fetchCommand into s. An empty answer, or an error instead
// of a pack, is ErrDeclined.
func readFetch(p *packetReader, caps Capabilities, req Request, s *object.Store) error {
	for first := true; ; first = false {
		kind, line, err := p.line()
		var said serverError
		switch {
		case errors.As(err, &said), err != nil && first && errors.Is(err, io.EOF):
			return Because(ErrDeclined, err, "")
		case err != nil:
			return noEOF(err)
		case kind == dataPacket && line == "packfile":
			return readBandedPack(p, req, s)
		case caps.v0 && (line == "NAK" || strings.HasPrefix(line, "ACK ") && !strings.Contains(line[4:], " ")):
			return readPack0(p, caps, req, s)
		case kind == flushPacket && !caps.v0:
			return Because(ErrDeclined, errors.New("the server sent no pack"), "")
		}
	}
}

func readPack0(p *packetReader, caps Capabilities, req Request, s *object.Store) error {
	if caps.sideband {
		return readBandedPack(p, req, s)
	}
	return readPack(budgeted(p.r, req.Budget), s, req)
}

func readBandedPack(p *packetReader, req Request, s *object.Store) error {
	band := &sideband{packets: p}
	if err := readPack(budgeted(band, req.Budget), s, req); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, band)
	return err
}

func pushCommand(u Update) []byte {
	var p packets
	p.raw(fmt.Sprintf("%s %s %s\x00 report-status side-band-64k quiet %s", u.Old, u.New, branchRef(u.Branch), agentLine))
	p.flush()
	p.Write(writePack(u.Objects))
	return p.Bytes()
}

// A Rejection is a push that the server answered with no.
type Rejection struct {
	// Status is the report's reason, of the branch or of the pack: "pre-receive hook
	// declined".
	Status string
	// Remote is the text that git shows behind "remote:".
	Remote string
}

func (r *Rejection) Error() string {
	status, remote := words(r.Status), words(r.Remote)
	if remote == "" {
		return status
	}
	return fmt.Sprintf("%s (remote: %s)", status, remote)
}

// InUnpack reports whether the server could not read the pack. Some servers cannot when
// it has deltas on objects that they have already.
func (r *Rejection) InUnpack() bool { return strings.HasPrefix(r.Status, "unpack") }

// IsTransient reports whether the same push may succeed a moment later: another push
// holds the branch's lock.
func (r *Rejection) IsTransient() bool {
	return strings.Contains(r.Status, "lock") || strings.Contains(r.Status, "failed to update ref")
}

// readReport reads the answer to a push. Without an error the server says that it moved
// the branch, and remark is what else it said.
func readReport(r io.Reader, branch string) (remark string, err error) {
	p := newPacketReader(r)
	first, err := p.r.Peek(5)
	if err != nil {
		return "", noEOF(err)
	}
	if first[4] > 3 { // a server without side bands
		return "", readStatus(p, branch)
	}
	band := &sideband{packets: p}
	err = readStatus(newPacketReader(band), branch)
	if err == nil || errors.As(err, new(*Rejection)) {
		_, _ = io.Copy(io.Discard, band) // hooks may talk after the report
	}
	return band.text.String(), withRemote(err, band.text.String())
}

// withRemote adds what the server said beside its report to a rejection. A server that
// gave up without a report has rejected the push, too.
func withRemote(err error, remote string) error {
	var no *Rejection
	var said serverError
	switch {
	case errors.As(err, &no):
		no.Remote = remote
	case errors.As(err, &said):
		return &Rejection{Status: string(said), Remote: remote}
	}
	return err
}

// readStatus reads a report ("unpack ok", "ok refs/heads/main"). It returns a Rejection
// unless the report says that this very branch was moved: a report that names other
// branches only, or nothing, is not a success.
func readStatus(p *packetReader, branch string) error {
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
	if problem == "" && !moved {
		problem = "the server did not say that it moved the branch"
	}
	if problem != "" {
		return &Rejection{Status: problem}
	}
	return nil
}
