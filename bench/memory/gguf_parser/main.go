// What gpustack's gguf-parser says of a load. Reads one JSON object a line, {"path", "num_ctx", "parallel", "num_batch",
// "kv_type", "flash"}, and writes the bytes on the GPU for each: weights, cache and compute, without its footprint of a
// process; or -1 where it fails.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	gguf "github.com/gpustack/gguf-parser-go"
)

type load struct {
	Path     string `json:"path"`
	NumCtx   int32  `json:"num_ctx"`
	Parallel int32  `json:"parallel"`
	NumBatch int32  `json:"num_batch"`
	KvType   string `json:"kv_type"`
	Flash    bool   `json:"flash"`
}

var kvTypes = map[string]gguf.GGMLType{
	"f16": gguf.GGMLTypeF16, "q8_0": gguf.GGMLTypeQ8_0, "q4_0": gguf.GGMLTypeQ4_0,
}

func estimate(file *gguf.GGUFFile, l load) int64 {
	options := []gguf.GGUFRunEstimateOption{
		gguf.WithLLaMACppContextSize(l.NumCtx * l.Parallel),
		gguf.WithParallelSize(l.Parallel),
		gguf.WithLLaMACppLogicalBatchSize(l.NumBatch),
		gguf.WithLLaMACppPhysicalBatchSize(l.NumBatch),
		gguf.WithLLaMACppCacheKeyType(kvTypes[l.KvType]),
		gguf.WithLLaMACppCacheValueType(kvTypes[l.KvType]),
		gguf.WithLLaMACppOffloadLayers(10000),
	}
	if l.Flash {
		options = append(options, gguf.WithFlashAttention())
	}
	run := file.EstimateLLaMACppRun(options...)
	var sum int64
	for i, device := range run.Devices {
		if i > 0 {
			sum += int64(device.Weight.Sum()) + int64(device.KVCache.Sum()) + int64(device.Computation.Sum())
		}
	}
	return sum
}

func main() {
	files := map[string]*gguf.GGUFFile{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var l load
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if files[l.Path] == nil {
			file, err := gguf.ParseGGUFFile(l.Path, gguf.SkipLargeMetadata(), gguf.UseMMap())
			if err != nil {
				fmt.Fprintln(os.Stderr, l.Path, err)
				fmt.Println(-1)
				continue
			}
			files[l.Path] = file
		}
		fmt.Println(estimate(files[l.Path], l))
	}
}
