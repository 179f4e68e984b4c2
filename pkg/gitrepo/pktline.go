package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// packetKind tells the packets of gitprotocol-common apart. go-git's scanner
// does not know delimiter and end, which version 2 needs.
type packetKind int

const (
	dataPacket  packetKind = iota
	flushPacket            // 0000
	delimPacket            // 0001
	endPacket              // 0002
)

const maxPacket = 65520

var errNotPackets = errors.New("the answer is not git's protocol")

type packetReader struct {
	r   *bufio.Reader
	buf [maxPacket]byte
}

func newPacketReader(r io.Reader) *packetReader {
	return &packetReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next returns the next packet. Its payload holds until the following call.
// io.EOF means that the stream ended between two packets. A payload "ERR …" is
// an error.
func (p *packetReader) next() (packetKind, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, err
	}
	size, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil || size == 3 || size > maxPacket {
		return 0, nil, errNotPackets
	}
	if size < 3 {
		return packetKind(size) + flushPacket, nil, nil
	}
	payload := p.buf[:size-4]
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil, noEOF(err)
	}
	if text, isErr := bytes.CutPrefix(payload, []byte("ERR ")); isErr {
		return 0, nil, serverError(text)
	}
	return dataPacket, payload, nil
}

// line is next for text: the payload without its line end.
func (p *packetReader) line() (packetKind, string, error) {
	kind, payload, err := p.next()
	return kind, string(bytes.TrimSuffix(payload, []byte("\n"))), err
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A serverError is what the server says instead of an answer.
type serverError string

func (e serverError) Error() string { return "the server says: " + httpx.Line(string(e), longestWords) }

// packets is a request in the making.
type packets struct{ bytes.Buffer }

func (p *packets) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(p, "%04x%s\n", len(text)+5, text)
}

// raw adds a payload without a line end.
func (p *packets) raw(payload string) { fmt.Fprintf(p, "%04x%s", len(payload)+4, payload) }
func (p *packets) flush()             { p.WriteString("0000") }
func (p *packets) delim()             { p.WriteString("0001") }

// A sideband reads band 1 of an answer and collects band 2, the text that git
// shows behind "remote:". Band 3 ends it with an error.
type sideband struct {
	packets *packetReader
	rest    []byte
	text    bytes.Buffer
	err     error
}

func (s *sideband) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err == nil {
			s.err = s.fill()
		}
		if s.err != nil {
			return 0, s.err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *sideband) fill() error {
	const enough = 64 << 10 // of a server's talk
	kind, payload, err := s.packets.next()
	switch {
	case err != nil:
		return noEOF(err)
	case kind != dataPacket:
		return io.EOF
	case len(payload) == 0:
		return nil
	}
	switch payload[0] {
	case 1:
		s.rest = payload[1:]
	case 2:
		if s.text.Len() < enough {
			s.text.Write(payload[1:])
		}
	case 3:
		return serverError(payload[1:])
	default:
		return errNotPackets
	}
	return nil
}
