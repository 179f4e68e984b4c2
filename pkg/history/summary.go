package history

import (
	"slices"
	"time"
)

// A Summary is the four numbers that delivery teams report.
type Summary struct {
	Since, Until time.Time
	Deployments  int // tags that were set, without rollbacks
	Rollbacks    int
	// PerWeek is Deployments a week.
	PerWeek float64
	// LeadTime is the median time from the creation of an image to the commit that
	// deployed it; Timed is how many deployments it is of. 0 and 0 when unknown.
	LeadTime time.Duration
	Timed    int
	// RollbackShare is the share of the deployments that were taken back, from 0 to 1.
	RollbackShare float64
	// TimeToRecover is the median time from the commit that deployed a tag to the one that
	// took it back; Recovered is how many rollbacks it is of.
	TimeToRecover time.Duration
	Recovered     int
}

const week = 7 * 24 * time.Hour

// Summarize counts the events from since on. Created returns when an image was created,
// the zero time when that is unknown. A zero since is the first event.
func Summarize(events []Event, since, until time.Time, created func(Event) time.Time) Summary {
	s := Summary{Since: since, Until: until}
	var leads, recoveries []time.Duration
	for i, e := range events {
		if e.When.Before(since) {
			break
		}
		if since.IsZero() {
			s.Since = e.When
		}
		if e.Kind == Rollback {
			s.Rollbacks++
			if bad, found := deploymentOf(events[i+1:], e); found {
				recoveries = append(recoveries, e.When.Sub(bad.When))
			}
			continue
		}
		s.Deployments++
		if at := created(e); !at.IsZero() && at.Before(e.When) {
			leads = append(leads, e.When.Sub(at))
		}
	}
	if s.Deployments > 0 {
		s.RollbackShare = min(1, float64(s.Rollbacks)/float64(s.Deployments))
		s.PerWeek = float64(s.Deployments) / max(1, float64(until.Sub(s.Since))/float64(week))
	}
	s.LeadTime, s.Timed = median(leads), len(leads)
	s.TimeToRecover, s.Recovered = median(recoveries), len(recoveries)
	return s
}

// deploymentOf returns the event that set what a rollback took back.
func deploymentOf(older []Event, back Event) (Event, bool) {
	for _, e := range older {
		if e.Image == back.Image && e.Environment == back.Environment && e.To.String() == back.From.String() {
			return e, true
		}
	}
	return Event{}, false
}

func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	if mid := len(all) / 2; len(all)%2 == 1 {
		return all[mid]
	} else {
		return (all[mid-1] + all[mid]) / 2
	}
}
