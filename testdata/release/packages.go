package main

import (
	"bytes"
	"crypto/md5" // dpkg's list of sums is of this kind
	"fmt"
	"strings"
	"time"

	"github.com/google/rpmpack"
)

const (
	summary     = "set image tags in GitOps repositories"
	homepage    = "https://github.com/tagbump/tagbump"
	description = `tagbump resolves an image's new tag from the registry, changes that one value
in the Helm, Kustomize or manifest repository, commits, and pushes or opens a
pull request.`
)

// debArchitectures and rpmArchitectures are the names of packages for Go's.
var (
	debArchitectures = map[string]string{"amd64": "amd64", "arm64": "arm64", "arm": "armhf"}
	rpmArchitectures = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7hl"}
)

// writeDeb writes a Debian package: an ar archive of a version, the control files
// and the files (deb(5)).
func (r release) writeDeb(p program, files []file) error {
	size := 0
	var sums strings.Builder
	for _, f := range files {
		size += len(f.data)
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(f.data), f.name)
	}
	control := fmt.Sprintf(`Package: tagbump
Version: %s
Architecture: %s
Maintainer: tagbump <maintainers@tagbump.example>
Installed-Size: %d
Recommends: ca-certificates
Section: devel
Priority: optional
Homepage: %s
Description: %s
 %s
`, r.version, debArchitectures[p.arch], (size+1023)/1024, homepage, summary, strings.ReplaceAll(description, "\n", "\n "))
	controls := []file{{name: "control", mode: 0o644, data: []byte(control)}, {name: "md5sums", mode: 0o644, data: []byte(sums.String())}}
	return r.write(r.base(p)+".deb", arOf([]file{
		{name: "debian-binary", data: []byte("2.0\n")},
		{name: "control.tar.gz", data: gzipped(tarOf(controls, r.time))},
		{name: "data.tar.gz", data: gzipped(tarOf(files, r.time))},
	}, r.time))
}

// arOf makes an archive in the common format of ar.
func arOf(files []file, when time.Time) []byte {
	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	for _, f := range files {
		fmt.Fprintf(&out, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", f.name, when.Unix(), 0, 0, 0o100644, len(f.data))
		out.Write(f.data)
		if len(f.data)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

func (r release) writeRPM(p program, files []file) error {
	number, after, _ := strings.Cut(r.version, "-")
	if after != "" {
		number += "~" + strings.ReplaceAll(after, "-", ".") // a hyphen ends a version
	}
	rpm, err := rpmpack.NewRPM(rpmpack.RPMMetaData{
		Name: "tagbump", Version: number, Release: "1", Arch: rpmArchitectures[p.arch], OS: "linux",
		Summary: summary, Description: description, URL: homepage, Licence: "Apache-2.0",
		BuildTime: r.time, BuildHost: "tagbump", Compressor: "gzip:9",
	})
	if err != nil {
		return err
	}
	for _, f := range files {
		rpm.AddFile(rpmpack.RPMFile{
			Name: "/" + f.name, Body: f.data, Mode: uint(f.mode) | 0o100000,
			Owner: "root", Group: "root", MTime: uint32(r.time.Unix()),
		})
	}
	var out bytes.Buffer
	if err := rpm.Write(&out); err != nil {
		return err
	}
	return r.write(r.base(p)+".rpm", out.Bytes())
}
