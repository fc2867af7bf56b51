package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/anishathalye/porcupine"
)

// When an operation ends of which nobody heard an end.
const never = math.MaxInt64

// Longer than any line that is written.
const lineBytesMax = 1 << 20

type input struct {
	// Which operation, of all processes'.
	Op        string `json:"op"`
	Partition string `json:"partition"`
	// commit, load, read or lookUp
	Kind string `json:"kind"`
	// The commit's id.
	Commit   string `json:"commit"`
	Expected int64  `json:"expected"`
	Events   int64  `json:"events"`
	// What becomes of the row; nil: it stays.
	Value *string `json:"-"`
	// The read asks for a copy that may be behind.
	IsReplica bool `json:"isReplica"`
}

type output struct {
	// committed, changed, unknown; yes, no; read; undone: it had no effect, or told nothing
	Result       string `json:"result"`
	Revision     int64  `json:"revision"`
	LastSequence int64  `json:"lastSequence"`
	// nil: was not asked for
	Value *string `json:"-"`
}

// Call and answer have lines of their own: whoever dies in between leaves the call.
type line struct {
	input
	output
	// Microseconds of a clock that all processes share; the other one is zero.
	Call   int64 `json:"call"`
	Answer int64 `json:"answer"`
	// The call's or the answer's.
	Value *string `json:"value"`
}

type history struct {
	partitions map[string][]porcupine.Operation
	replica    int
}

func readHistory(from io.Reader) (history, error) {
	calls := []line{}
	answers := map[string]line{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, lineBytesMax)
	for number := 1; lines.Scan(); number++ {
		var one line
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return history{}, fmt.Errorf("line %d: %w", number, err)
		}
		one.input.Value, one.output.Value = one.Value, one.Value
		if one.Call != 0 {
			calls = append(calls, one)
		} else {
			answers[one.Op] = one
		}
	}
	if err := lines.Err(); err != nil {
		return history{}, err
	}
	return historyOf(calls, answers), nil
}

func historyOf(calls []line, answers map[string]line) history {
	found := history{partitions: map[string][]porcupine.Operation{}}
	for _, call := range calls {
		if call.IsReplica {
			found.replica++
			continue
		}
		answer, isAnswered := answers[call.Op]
		isOpen := !isAnswered || answer.Result == "unknown"
		if answer.Result == "undone" || isOpen && call.Kind != "commit" {
			continue
		}
		operation := porcupine.Operation{
			Input: call.input, Output: answer.output, Call: call.Call, Return: answer.Answer,
		}
		if isOpen {
			operation.Output = output{Result: "unknown"}
			operation.Return = never
		}
		found.partitions[call.Partition] = append(found.partitions[call.Partition], operation)
	}
	for name, operations := range found.partitions {
		found.partitions[name] = withoutLosers(operations)
	}
	return found
}

// Leaves out open commits that took no effect: that was told of them, or another commit has their
// revision. Kept, each would double the orders that have to be tried. If one took effect after all,
// then somebody sees what nobody wrote.
func withoutLosers(operations []porcupine.Operation) []porcupine.Operation {
	denied := map[string]bool{}
	confirmed := map[string]bool{}
	for _, one := range operations {
		in, out := one.Input.(input), one.Output.(output)
		denied[in.Commit] = denied[in.Commit] || out.Result == "no"
		confirmed[in.Commit] = confirmed[in.Commit] || out.Result == "yes" || out.Result == "committed"
	}
	winners := map[int64]string{}
	for _, one := range operations {
		if in := one.Input.(input); in.Kind == "commit" && confirmed[in.Commit] {
			winners[in.Expected] = in.Commit
		}
	}
	kept := []porcupine.Operation{}
	for _, one := range operations {
		in := one.Input.(input)
		winner, isTaken := winners[in.Expected]
		if one.Return == never && (denied[in.Commit] || isTaken && winner != in.Commit) {
			continue
		}
		kept = append(kept, one)
	}
	return kept
}
