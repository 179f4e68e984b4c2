package bump

import "errors"

// About is what an error is about, for programs. A field is "" where the error does
// not say it.
type About struct {
	Image    string // its repository
	Deployed string // the tag in the files
	Wanted   string // the tag that was asked for, or chosen
}

// AboutOf returns what err is about. Of several errors it is the first one that says so.
func AboutOf(err error) About {
	var says interface{ about() About }
	if errors.As(err, &says) {
		return says.about()
	}
	return About{}
}

func (e staleError) about() About {
	return About{e.resolved.Repository, tagOf(e.target.Current), e.resolved.Tag}
}

func (e mismatchError) about() About { return About{Image: e.repository, Wanted: e.tag} }

func (e revisionError) about() About { return About{Image: e.ref.Repository, Wanted: e.ref.Tag} }

func (e noRevisionError) about() About { return About{Image: e.img.Repository} }

func (e *EnvironmentsError) about() About { return About{Image: e.Image, Wanted: e.Tag} }

func (e absentError) about() About { return About{Image: e.repository} }

func (e *FieldError) about() About { return About{Image: e.Image} }
