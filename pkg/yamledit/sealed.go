package yamledit

import (
	"bytes"
	"errors"
	"strings"
)

// ErrSealed is in the chain of an error when a text must not be edited by hand:
// SOPS signs it, git-crypt encrypts it, or Git LFS keeps it elsewhere.
var ErrSealed = errors.New("sealed")

// Sealed returns an [*Error] that wraps [ErrSealed] when SOPS signs the text, so
// that its reader rejects any change, and nil otherwise. [Text.Apply] refuses such
// a text. A file with mac_only_encrypted: true is signed in its encrypted values
// only: it can be edited, and [Node.Scalar] refuses the encrypted values.
func (t *Text) Sealed() error {
	for _, root := range t.root().Documents() {
		if mac := sopsMAC(root); mac != nil {
			return &Error{
				Line: mac.Line(), Err: ErrSealed, Why: "the file is signed by SOPS, which rejects it after any other edit",
				Help: "use sops to change it, or let it sign with mac_only_encrypted: true",
			}
		}
	}
	return nil
}

// sopsMAC returns the signature of all values in the document, or nil. In files
// of single variables the block is written as sops_mac and the like.
func sopsMAC(root *Node) *Node {
	mac, only := root.Field("sops_mac"), root.Field("sops_mac_only_encrypted")
	if block := root.Field("sops"); block != nil {
		mac, only = block.Field("mac"), block.Field("mac_only_encrypted")
	}
	if mac == nil || only != nil && only.Value() == "true" {
		return nil
	}
	return mac
}

// isEncrypted reports whether the value is a ciphertext of SOPS.
func isEncrypted(value string) bool {
	return strings.HasPrefix(value, "ENC[") && strings.HasSuffix(value, "]")
}

// checkPlainFile refuses a folder, a link or a device that has the name of a file.
func checkPlainFile(src []byte) error {
	switch {
	case bytes.HasPrefix(src, []byte("\x00GITCRYPT\x00")):
		return &Error{Err: ErrSealed, Why: "is encrypted by git-crypt", Help: "use a checkout that git-crypt has unlocked"}
	case bytes.HasPrefix(src, []byte("version https://git-lfs.github.com/spec/")):
		return &Error{Err: ErrSealed, Why: "is a pointer of Git LFS, not the file's text", Help: "take the file out of Git LFS"}
	}
	return nil
}
