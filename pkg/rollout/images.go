package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
)

// An Image is one image that the commit sets.
type Image struct {
	Repository string
	As         []string // how the files also write the repository
	Tag        string
	Digest     string // "" when it is not known
}

// String returns REPOSITORY:TAG.
func (img Image) String() string {
	return image.Ref{Repository: img.Repository, Tag: img.Tag}.String()
}

// Names reports whether a reference is of the image's repository.
func (img Image) Names(ref string) bool {
	repository := image.Split(ref).Repository
	for _, name := range append([]string{img.Repository}, img.As...) {
		if image.SameRepository(repository, name) || strings.HasSuffix(repository, "/"+image.Canonical(name)) {
			return true // or a mirror that keeps the whole name
		}
	}
	return false
}

// Is reports whether a reference is the image.
func (img Image) Is(ref string) bool {
	split := image.Split(ref)
	return img.Names(ref) && (split.Tag != "" && split.Tag == img.Tag || split.Digest != "" && split.Digest == img.Digest)
}

// byImages judges a healthy application by the images that it has.
func (v view) byImages() *Verdict {
	relation, _ := v.revision()
	live := v.found(v.liveImages())
	switch {
	case len(v.wanted.Images) == 0, live.isCertain(relation):
		return &Verdict{State: Done, Reason: runs(live.has)}
	case v.Rendered == nil:
		return &Verdict{Reason: "Synced, Healthy; looking up its images", Ask: Ask{Rendered: true}}
	}
	rendered := v.found(*v.Rendered)
	if len(rendered.has)+len(rendered.others) == 0 {
		rendered = live // no manifest names the image: something else makes the Pods
	}
	return v.byRenderedImages(relation, rendered)
}

// byRenderedImages judges an application whose manifests were looked up.
func (v view) byRenderedImages(relation relation, found found) *Verdict {
	others := strings.Join(found.others, ", ")
	switch {
	case others == "" && len(found.has) > 0:
		return &Verdict{State: Done, Reason: runs(found.has)}
	case others == "" && v.app.hasChildren():
		return &Verdict{State: Done, Reason: "its applications are made"}
	case relation == later && others == "":
		return &Verdict{State: Superseded, Reason: "a later commit took the image out"}
	case relation == later:
		return &Verdict{State: Superseded, Reason: "a later commit replaced the tag: it has " + others, By: image.Split(found.others[0]).Tag}
	case others == "":
		return &Verdict{State: Untouched, Reason: "has the commit, and no image of " + v.wantedText()}
	}
	return &Verdict{
		State: Untouched, Reason: fmt.Sprintf("has the commit, and runs %s, not %s", others, v.wantedText()),
		Hint: "does something override the tag: a parameter of the application, an overlay, another values file?",
	}
}

// found is what references tell of the wanted images.
type found struct {
	has    []string // wanted images that are there
	others []string // references of wanted repositories that are there with other tags only
	mixed  bool     // one is there with the wanted tag and with others
}

// isCertain reports whether the Pods alone tell that the images are there. Old Jobs
// keep old tags, so that after a later commit the wanted tag may be one of those.
func (f found) isCertain(r relation) bool {
	return len(f.has) > 0 && len(f.others) == 0 && (r == exact || !f.mixed)
}

func (v view) found(refs []string) found {
	var f found
	for _, img := range v.wanted.Images {
		var different []string
		isThere := false
		for _, ref := range refs {
			switch {
			case img.Is(ref):
				isThere = true
			case img.Names(ref):
				different = append(different, ref)
			}
		}
		if isThere {
			f.has = append(f.has, img.String())
			f.mixed = f.mixed || len(different) > 0
		} else {
			f.others = append(f.others, different...)
		}
	}
	return f
}

// liveImages are those of the Pods, and those that the commit's sync has applied: an
// application without replicas has no Pod.
func (v view) liveImages() []string {
	all := slices.Clone(v.app.Status.Summary.Images)
	op := v.app.Status.OperationState
	if ours, _ := v.operationIsOurs(); !ours || op.SyncResult == nil {
		return all
	}
	for _, part := range op.SyncResult.Resources {
		if part.Status == "Synced" {
			all = append(all, part.Images...)
		}
	}
	return all
}

func runs(images []string) string {
	if len(images) == 0 {
		return "Synced, Healthy"
	}
	return "Synced, Healthy, runs " + strings.Join(images, ", ")
}

func (v view) wantedText() string {
	texts := make([]string, len(v.wanted.Images))
	for i, img := range v.wanted.Images {
		texts[i] = img.String()
	}
	return strings.Join(texts, ", ")
}

func (app Application) hasChildren() bool {
	return slices.ContainsFunc(app.Status.Resources, func(r Resource) bool {
		return r.Group == "argoproj.io" && (r.Kind == "Application" || r.Kind == "ApplicationSet")
	})
}

// specHas reports whether a child's spec has one of the wanted tags: in inline values,
// in parameters or among kustomize images.
func (app Application) specHas(wanted Wanted) bool {
	return slices.ContainsFunc(wanted.Images, func(img Image) bool {
		return slices.ContainsFunc(app.Spec.strings, func(text string) bool {
			return hasWord(text, img.Tag) || img.Digest != "" && strings.Contains(text, img.Digest)
		})
	})
}

// Mentions reports whether the application has to do with one of the images: its spec
// names the repository, or its Pods have it with any tag.
func (app Application) Mentions(images []Image) bool {
	return slices.ContainsFunc(images, func(img Image) bool {
		inText := func(text string) bool {
			return slices.ContainsFunc(append([]string{img.Repository}, img.As...), func(name string) bool { return hasWord(text, name) })
		}
		return slices.ContainsFunc(app.Status.Summary.Images, img.Names) || slices.ContainsFunc(app.Spec.strings, inText)
	})
}

// tagInSpec returns the tag that a spec has in the place of the wanted one, "" where
// it is not written as REPOSITORY:TAG.
func (app Application) tagInSpec(wanted Wanted) string {
	for _, img := range wanted.Images {
		for _, ref := range app.Status.Summary.Images {
			if tag := image.Split(ref).Tag; img.Names(ref) && slices.ContainsFunc(app.Spec.strings, func(text string) bool { return hasWord(text, tag) }) {
				return tag
			}
		}
	}
	return ""
}

// hasWord reports whether text has word with nothing around it that could belong to a
// longer tag or name: 1.2 is not in 1.25 or in v1.2.
func hasWord(text, word string) bool {
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if (start == 0 || !isTagByte(text[start-1])) && (end == len(text) || !isTagByte(text[end])) {
			return true
		}
		from = start + 1
	}
	return false
}

func isTagByte(c byte) bool {
	return c == '_' || c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// A pod is one that cannot start.
type pod struct{ name, image, why string }

func (p pod) text() string { return fmt.Sprintf("%s (%s): %s", p.name, p.image, p.why) }

// crashingPod returns a Pod that has a wanted image and is Degraded.
func (v view) crashingPod() (pod, bool) {
	for _, node := range v.Tree.Nodes {
		if node.Kind != "Pod" || node.Health == nil || node.Health.Status != "Degraded" {
			continue
		}
		for _, ref := range node.Images {
			if slices.ContainsFunc(v.wanted.Images, func(img Image) bool { return img.Is(ref) }) {
				return pod{node.Name, ref, firstOf(node.Health.Message, node.reason(), "Degraded")}, true
			}
		}
	}
	return pod{}, false
}

// reason returns the "Status Reason" of a Pod: ImagePullBackOff.
func (n Node) reason() string {
	for _, info := range n.Info {
		if info.Name == "Status Reason" {
			return info.Value
		}
	}
	return ""
}

// pods counts the Pods with a wanted image.
func (v view) pods() string {
	ready, all := 0, 0
	for _, node := range v.Tree.Nodes {
		mine := func(ref string) bool {
			return slices.ContainsFunc(v.wanted.Images, func(img Image) bool { return img.Is(ref) })
		}
		if node.Kind != "Pod" || !slices.ContainsFunc(node.Images, mine) {
			continue
		}
		all++
		if node.Health != nil && node.Health.Status == "Healthy" {
			ready++
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d new pods ready", ready, all)
}
