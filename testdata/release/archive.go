package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// writeArchive writes a tar.gz, or a zip for Windows.
func (r release) writeArchive(p program, files []file) error {
	if p.os != "windows" {
		return r.write(r.base(p)+".tar.gz", gzipped(tarOf(files, r.time)))
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.time})
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return r.write(r.base(p)+".zip", out.Bytes())
}

// tarOf makes an archive, the folders above its files included.
func tarOf(files []file, when time.Time) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	made := map[string]bool{".": true}
	for _, f := range files {
		for _, dir := range foldersAbove(f.name) {
			if !made[dir] {
				made[dir] = true
				must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: when}))
			}
		}
		if strings.HasSuffix(f.name, "/") {
			must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, ModTime: when}))
			continue
		}
		must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: when}))
		_, err := w.Write(f.data)
		must(err)
	}
	must(w.Close())
	return out.Bytes()
}

// must is for writes to memory, which do not fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// foldersAbove returns "usr", "usr/bin" for "usr/bin/tagbump".
func foldersAbove(name string) []string {
	var dirs []string
	for dir := path.Dir(strings.TrimSuffix(name, "/")); dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}

func (r release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// writeChecksums writes checksums.txt, as sha256sum -c reads it, and returns the sums by name.
func (r release) writeChecksums() (map[string]string, error) {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return nil, err
	}
	sums := make(map[string]string)
	var list strings.Builder
	for _, entry := range entries { // sorted by name
		if entry.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.out, entry.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		sums[entry.Name()] = hex.EncodeToString(sum[:])
		fmt.Fprintf(&list, "%x  %s\n", sum, entry.Name())
	}
	return sums, r.write("checksums.txt", []byte(list.String()))
}
