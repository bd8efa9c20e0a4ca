"""GGUF files of a model's real shape with holes for weights: metadata and the list of tensors, from an answer of /api/show.
For programs that read files; format version 3."""

import struct

ALIGNMENT = 32
# Number, elements of a block, bytes of a block.
TYPES = {
    "F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22), "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34), "Q2_K": (10, 256, 84), "Q3_K": (11, 256, 110), "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210), "IQ2_XXS": (16, 256, 66), "IQ2_XS": (17, 256, 74), "IQ3_XXS": (18, 256, 98),
    "IQ4_NL": (20, 32, 18), "IQ3_S": (21, 256, 110), "IQ2_S": (22, 256, 82), "IQ4_XS": (23, 256, 136), "BF16": (30, 1, 2),
    "MXFP4": (39, 32, 17), "NVFP4": (40, 64, 36),
}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_of(value):
    """Type number and bytes of one value."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return (4, struct.pack("<I", value)) if 0 <= value < 1 << 32 else (11, struct.pack("<q", value))
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, text(value)
    parts = [value_of(item) for item in value]
    kind = parts[0][0] if parts else 4
    return 9, struct.pack("<IQ", kind, len(parts)) + b"".join(data for _, data in parts)


def write(path, show):
    metadata = dict(show["model_info"])
    metadata.update(show.get("arrays") or {})
    vocabulary = next((t["shape"][1] for t in show["tensors"] if t["name"] == "token_embd.weight"), 0)
    metadata["tokenizer.ggml.tokens"] = [""] * vocabulary
    metadata = {key: value for key, value in metadata.items() if value is not None}
    infos, offset = [], 0
    for tensor in show["tensors"]:
        number, elements, size = TYPES[tensor["type"].upper()]
        shape = tensor["shape"]
        count = -(-shape[0] // elements) * size
        for side in shape[1:]:
            count *= side
        infos.append(text(tensor["name"]) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
                     + struct.pack("<IQ", number, offset))
        offset += -(-count // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as file:
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(metadata)))
        for key, value in metadata.items():
            kind, data = value_of(value)
            file.write(text(key) + struct.pack("<I", kind) + data)
        for info in infos:
            file.write(info)
        start = -(-file.tell() // ALIGNMENT) * ALIGNMENT
        file.truncate(start + offset)
