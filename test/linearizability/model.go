package main

import (
	"fmt"
	"hash/fnv"

	"github.com/anishathalye/porcupine"
)

// A partition as a register with a version: what a commit insists on, and what a read gives.
type state struct {
	revision     int64
	lastSequence int64
	// Of the one row that is followed; "" where there is none.
	value string
	// Tells two lines of commits apart.
	digest uint64
	newest *commit
}

type commit struct {
	id     string
	before *commit
}

// So many ids a partition remembers.
const commitIDsKept = 1000

var partitionModel = porcupine.Model{
	Init: func() interface{} { return state{} },
	Step: func(from, in, out interface{}) (bool, interface{}) {
		return step(from.(state), in.(input), out.(output))
	},
	Equal: func(one, other interface{}) bool {
		a, b := one.(state), other.(state)
		a.newest, b.newest = nil, nil
		return a == b
	},
	Hash: func(one interface{}) uint64 { return one.(state).digest },
	DescribeOperation: func(in, out interface{}) string {
		return fmt.Sprintf("%+v gave %+v", in.(input), out.(output))
	},
	DescribeState: func(one interface{}) string {
		s := one.(state)
		return fmt.Sprintf("revision %d, last sequence %d, value %q", s.revision, s.lastSequence, s.value)
	},
}

// Whether the operation may give that, and what stands afterwards.
func step(from state, in input, out output) (bool, state) {
	switch in.Kind {
	case "commit":
		matches := from.revision == in.Expected
		switch out.Result {
		case "committed":
			return matches && out.Revision == in.Expected+1, from.with(in)
		case "changed":
			return !matches && out.Revision == from.revision, from
		default: // It took effect here, or never does.
			if matches {
				return true, from.with(in)
			}
			return true, from
		}
	case "load":
		isIt := out.Revision == from.revision && out.LastSequence == from.lastSequence
		return isIt && (out.Value == nil || *out.Value == from.value), from
	case "read":
		return out.Value != nil && *out.Value == from.value, from
	case "lookUp":
		return from.has(in.Commit) == (out.Result == "yes"), from
	}
	panic("no operation: " + in.Kind)
}

func (from state) with(in input) state {
	next := from
	next.revision++
	next.lastSequence += in.Events
	if in.Value != nil {
		next.value = *in.Value
	}
	next.newest = &commit{id: in.Commit, before: from.newest}
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%x %s", from.digest, in.Commit)
	next.digest = hash.Sum64()
	return next
}

func (from state) has(id string) bool {
	kept := commitIDsKept
	for one := from.newest; one != nil && kept > 0; one = one.before {
		if one.id == id {
			return true
		}
		kept--
	}
	return false
}
