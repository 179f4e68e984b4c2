// Package helm holds tagbump's edits against Helm itself: its tests render charts
// with the real helm, built from this module's go.mod, before and after a bump.
//
// The output must be the old one with the new tag in it, whatever Helm would take
// an unquoted tag for. One trap: helm never sees the folder that is bumped; it
// renders copies in a temporary folder, so the charts here stay as they are.
package helm
