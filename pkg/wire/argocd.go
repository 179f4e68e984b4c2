package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
)

// The variables of Argo CD's own command line, which CI jobs have set already.
const (
	argocdServerVariable = "ARGOCD_SERVER"
	argocdTokenVariable  = "ARGOCD_AUTH_TOKEN"
	argocdOptsVariable   = "ARGOCD_OPTS" // flags of argocd, as "--grpc-web --insecure"
)

// argocdOpts are the flags of argocd that matter over plain HTTPS.
type argocdOpts struct {
	server, token, rootPath, serverCert string
	plaintext, insecure                 bool
	header                              http.Header
}

// OpenArgoCD returns a client for the Argo CD that a person named: by given, the value
// of --argocd-server, or by argocd's own variables. The one that only a project file
// names is refused: whoever may write that file could have the token sent anywhere.
func (w World) OpenArgoCD(given, byProject string) (*argocd.Client, error) {
	opts, err := parseArgoCDOpts(w.Getenv(argocdOptsVariable))
	if err != nil {
		return nil, err
	}
	server := firstOf(given, w.Getenv(argocdServerVariable), opts.server)
	token := firstOf(w.secret(argocdTokenVariable), opts.token)
	w.tell("", token)
	switch {
	case server == "" && byProject == "":
		return nil, fault.New(fault.Usage, "no Argo CD is named").WithHint("set %s and %s", argocdServerVariable, argocdTokenVariable)
	case server == "":
		return nil, fault.Errorf(fault.Usage, "the token of Argo CD is not sent to %s, which only the project file names", byProject).
			WithHint("set %s=%s", argocdServerVariable, byProject)
	case byProject != "" && serverHost(byProject) != serverHost(server):
		return nil, fault.Errorf(fault.Usage, "the project file's Argo CD is %s, and this job's is %s", byProject, serverHost(server)).
			WithHint("is it the right environment, with the right variables?")
	case token == "":
		return nil, fault.Errorf(fault.NoAccess, "Argo CD at %s needs a token", serverHost(server)).WithHint("set %s", argocdTokenVariable)
	}
	bundle := w.caBundle
	if opts.serverCert != "" {
		own, err := w.ReadFlag(argocdOptsVariable+": --server-crt", opts.serverCert, smallfile.Text)
		if err != nil {
			return nil, err
		}
		bundle = append(append([]byte{}, bundle...), own...)
	}
	client, err := argocd.New(argocd.Options{
		Server: strings.TrimSuffix(server, "/") + opts.rootPath, Plaintext: opts.plaintext, Insecure: opts.insecure, Header: opts.header,
		Token: token, CABundle: bundle, UserAgent: w.UserAgent, Log: w.Detail,
	})
	if err == nil && client.IsPlainHTTP() {
		w.Say("warning: the token of Argo CD travels to %s without encryption", client.Host())
	}
	return client, err
}

// NamesArgoCD reports whether argocd's own variables say where Argo CD is.
func (w World) NamesArgoCD() bool {
	opts, err := parseArgoCDOpts(w.Getenv(argocdOptsVariable))
	return err != nil || firstOf(w.Getenv(argocdServerVariable), opts.server) != ""
}

// ArgoCDCredential says where the token for Argo CD is from: the name of a variable; ""
// for none.
func (w World) ArgoCDCredential() string {
	if w.secret(argocdTokenVariable) != "" {
		return argocdTokenVariable
	}
	if opts, err := parseArgoCDOpts(w.Getenv(argocdOptsVariable)); err == nil && opts.token != "" {
		return argocdOptsVariable
	}
	return ""
}

// serverHost returns HOST[:PORT] of a server that may be a URL.
func serverHost(server string) string {
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	parsed, err := url.Parse(server)
	if err != nil {
		return ""
	}
	host := strings.ToLower(parsed.Host)
	if parsed.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

// parseArgoCDOpts reads the flags of ARGOCD_OPTS. Those that are about gRPC or about
// what argocd prints do not matter and are left out.
func parseArgoCDOpts(text string) (argocdOpts, error) {
	opts := argocdOpts{header: http.Header{}}
	words, err := shellWords(text)
	if err != nil {
		return opts, fault.Errorf(fault.Usage, "%s: %w", argocdOptsVariable, err)
	}
	texts := map[string]*string{"--server": &opts.server, "--auth-token": &opts.token, "--grpc-web-root-path": &opts.rootPath, "--server-crt": &opts.serverCert}
	bools := map[string]*bool{"--plaintext": &opts.plaintext, "--insecure": &opts.insecure}
	for i := 0; i < len(words); i++ {
		name, value, assigned := strings.Cut(words[i], "=")
		next := func() string {
			if !assigned && i+1 < len(words) {
				i++
				value = words[i]
			}
			return value
		}
		switch {
		case name == "--core":
			return opts, fault.Errorf(fault.Usage, "%s: --core asks the cluster instead of Argo CD's API", argocdOptsVariable).WithHint("leave it out; tagbump needs the API")
		case texts[name] != nil:
			*texts[name] = next()
		case bools[name] != nil:
			*bools[name] = !assigned || value == "true"
		case name == "-H" || name == "--header":
			key, text, found := strings.Cut(next(), ":")
			if !found {
				return opts, fault.Errorf(fault.Usage, "%s: %s wants NAME: VALUE", argocdOptsVariable, name)
			}
			opts.header.Add(strings.TrimSpace(key), strings.TrimSpace(text))
		}
	}
	if opts.rootPath != "" {
		opts.rootPath = "/" + strings.Trim(opts.rootPath, "/")
	}
	return opts, nil
}

// shellWords splits a text at blanks that are not within quotes.
func shellWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, c := range text {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote %c is not closed", quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
