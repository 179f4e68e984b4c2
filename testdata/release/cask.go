package main

import (
	"fmt"
	"strings"
)

// cask is what "brew install --cask tagbump" reads, on macOS and Linux.
const cask = `cask "tagbump" do
  version "VERSION"

  on_macos do
    on_intel do
      sha256 "SUM darwin_amd64"
      url "ADDRESS/v#{version}/tagbump_#{version}_darwin_amd64.tar.gz"
    end
    on_arm do
      sha256 "SUM darwin_arm64"
      url "ADDRESS/v#{version}/tagbump_#{version}_darwin_arm64.tar.gz"
    end
  end
  on_linux do
    on_intel do
      sha256 "SUM linux_amd64"
      url "ADDRESS/v#{version}/tagbump_#{version}_linux_amd64.tar.gz"
    end
    on_arm do
      sha256 "SUM linux_arm64"
      url "ADDRESS/v#{version}/tagbump_#{version}_linux_arm64.tar.gz"
    end
  end

  name "tagbump"
  desc "Set image tags in GitOps repositories"
  homepage "https://github.com/tagbump/tagbump"

  livecheck do
    skip "Updated with each release."
  end

  binary "tagbump"
  manpage "man/man1/tagbump.1"
  bash_completion "completions/tagbump.bash"
  zsh_completion "completions/_tagbump"
  fish_completion "completions/tagbump.fish"

  postflight do
    if OS.mac?
      system_command "/usr/bin/xattr", args: ["-dr", "com.apple.quarantine", "#{staged_path}/tagbump"]
    end
  end
end
`

func (r release) writeCask(sums map[string]string) error {
	text := strings.NewReplacer("VERSION", r.version, "ADDRESS", r.address).Replace(cask)
	for _, p := range targets {
		sum := sums[r.base(p)+".tar.gz"]
		text = strings.ReplaceAll(text, fmt.Sprintf("SUM %s_%s", p.os, p.architecture()), sum)
	}
	return r.write("tagbump.rb", []byte(text))
}
