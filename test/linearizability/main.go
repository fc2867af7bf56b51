// Command linearizability reads what stores answered, as `record-store.ts` writes it, from standard
// input: a JSON object a line. It prints one JSON object: whether each partition's operations took
// effect one after the other, each between its call and its answer.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

// A history that is in order takes far less; one that is not may take for ever.
const partitionTimeout = 60 * time.Second

type report struct {
	// Ok, Illegal or Unknown: not found out in time.
	Verdict    porcupine.CheckResult `json:"verdict"`
	Partitions int                   `json:"partitions"`
	Operations int                   `json:"operations"`
	// Commits of which nobody knows whether they took effect.
	Open int `json:"open"`
	// Reads that are stale by design: left out.
	Replica int `json:"replica"`
	// What fits no order, of the first partition that has none.
	Stuck string `json:"stuck,omitempty"`
}

func main() {
	history, err := readHistory(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	found := report{Verdict: porcupine.Ok, Replica: history.replica}
	for _, operations := range history.partitions {
		found.Partitions++
		found.Operations += len(operations)
		found.Open += countOpen(operations)
		if found.Verdict == porcupine.Illegal {
			continue
		}
		verdict, info := porcupine.CheckOperationsVerbose(partitionModel, operations, partitionTimeout)
		if verdict == porcupine.Ok {
			continue
		}
		found.Verdict = verdict
		found.Stuck = firstLeftOut(operations, info)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func countOpen(operations []porcupine.Operation) int {
	count := 0
	for _, one := range operations {
		if one.Return == never {
			count++
		}
	}
	return count
}

// What comes next where the longest order ends, for whoever looks for the cause.
func firstLeftOut(operations []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, order := range partition {
			if len(order) > len(longest) {
				longest = order
			}
		}
	}
	isIn := map[string]bool{}
	for _, one := range longest {
		isIn[one.Input.(input).Op] = true
	}
	var first *porcupine.Operation
	for index := range operations {
		one := &operations[index]
		if !isIn[one.Input.(input).Op] && (first == nil || one.Return < first.Return) {
			first = one
		}
	}
	if first == nil {
		return ""
	}
	state := partitionModel.Init()
	for _, one := range longest {
		_, state = partitionModel.Step(state, one.Input, one.Output)
	}
	return fmt.Sprintf("%s: %s, after %s",
		first.Input.(input).Partition,
		partitionModel.DescribeOperation(first.Input, first.Output),
		partitionModel.DescribeState(state))
}
