// Command release builds everything that a release of tagbump has, into one folder:
//
//   - a tar.gz or zip for each system, with the program, manual pages, completions
//     for four shells, the licence and those of the modules in the program
//   - deb and rpm packages for Linux
//   - a CycloneDX list of the modules in each program (SBOM)
//   - a Homebrew cask
//   - an image for three platforms, as an OCI layout
//   - checksums.txt
//
// The same commit, Go and certificates give the same bytes: all times are the
// commit's, and lists are sorted. Signatures are made by make sign.
//
//	go run . -version v1.2.3 -time 1718454600 -out ../../dist
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"
	"time"
)

// A release is what all artifacts have in common.
type release struct {
	root    string // of the checkout
	out     string
	version string // without the v
	time    time.Time
	certs   string // the certificate authorities that the image trusts
	address string // where the artifacts will be downloaded from
}

func main() {
	log.SetFlags(0)
	var r release
	var seconds int64
	flag.StringVar(&r.root, "root", filepath.Join("..", ".."), "the checkout")
	flag.StringVar(&r.out, "out", filepath.Join("..", "..", "dist"), "the folder to write, which is emptied first")
	flag.StringVar(&r.version, "version", "v0.0.0-dev", "the version, with or without v")
	flag.Int64Var(&seconds, "time", 0, "the time of the commit, in seconds since 1970")
	flag.StringVar(&r.certs, "certs", "/etc/ssl/certs/ca-certificates.crt", "the certificate authorities that the image trusts")
	flag.StringVar(&r.address, "address", "https://github.com/tagbump/tagbump/releases/download", "where artifacts are downloaded from")
	flag.Parse()
	r.version, r.time = versionNumber(r.version), time.Unix(seconds, 0).UTC()
	if err := r.build(); err != nil {
		log.Fatal(err)
	}
}

func (r release) build() error {
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	programs, err := r.programs()
	if err != nil {
		return err
	}
	docs, err := r.documents()
	if err != nil {
		return err
	}
	for _, p := range programs {
		if err := r.pack(p, docs); err != nil {
			return err
		}
	}
	if err := r.writeImage(programs); err != nil {
		return err
	}
	sums, err := r.writeChecksums()
	if err != nil {
		return err
	}
	return r.writeCask(sums)
}

// pack writes the artifacts of one program.
func (r release) pack(p program, docs []file) error {
	files := append([]file{{name: p.fileName(), mode: 0o755, data: p.data}}, docs...)
	if err := r.writeArchive(p, files); err != nil {
		return err
	}
	if err := r.writeSBOM(p); err != nil {
		return err
	}
	if p.os != "linux" {
		return nil
	}
	installed := installedFiles(files)
	if err := r.writeDeb(p, installed); err != nil {
		return err
	}
	return r.writeRPM(p, installed)
}
