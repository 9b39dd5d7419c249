#!/usr/bin/env python3
"""Makes the fixtures of this folder anew. Needs ffmpeg (5.1 made the present ones, with libvorbis and libmp3lame), lame (3.100)
and flac (1.4). Run it here: python3 make.py

Every file holds 0.6 s at 44.1 kHz: silence with one smooth pulse whose peak is frame 11025 exactly.
"""
import math, struct, subprocess

RATE, FRAMES, PEAK, HALF = 44100, 26460, 11025, 12


def wav(path, channels):
    x = [0.0] * FRAMES
    for k in range(-HALF, HALF + 1):
        x[PEAK + k] = 0.45 * (1 + math.cos(math.pi * k / (HALF + 1)))
    data = b"".join(struct.pack("<h", round(32767 * v)) * channels for v in x)
    fmt = struct.pack("<HHIIHH", 1, channels, RATE, RATE * 2 * channels, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    open(path, "wb").write(b"RIFF" + struct.pack("<I", len(body)) + body)


def run(*words):
    subprocess.run(words, check=True)


def ffmpeg(source, *words):
    exact = ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
    tags = ["-metadata", "artist=An Artist", "-metadata", "title=A Title", "-metadata", "album=An Album"]
    run("ffmpeg", "-v", "error", "-y", "-i", source, *exact, *tags, *words)


wav("/tmp/mono.wav", 1)
wav("/tmp/stereo.wav", 2)
run("lame", "--quiet", "-b", "64", "--ta", "An Artist", "--tt", "A Title", "--tl", "An Album", "/tmp/mono.wav", "lame.mp3")
run("lame", "--quiet", "-V", "5", "-t", "/tmp/mono.wav", "untagged.mp3")
run("lame", "--quiet", "-b", "128", "-m", "s", "/tmp/stereo.wav", "stereo.mp3")
ffmpeg("/tmp/mono.wav", "-c:a", "libmp3lame", "-b:a", "64k", "lavf.mp3")
ffmpeg("/tmp/mono.wav", "-c:a", "aac", "-b:a", "48k", "aac.m4a")
ffmpeg("/tmp/mono.wav", "-c:a", "aac", "-b:a", "48k", "-f", "adts", "aac.aac")
ffmpeg("/tmp/mono.wav", "-c:a", "alac", "alac.m4a")
ffmpeg("/tmp/mono.wav", "-c:a", "alac", "alac.caf")
ffmpeg("/tmp/mono.wav", "-c:a", "libvorbis", "-q:a", "1", "vorbis.ogg")
run("flac", "-s", "-f", "-8", "--no-padding", "--no-seektable", "-T", "ARTIST=An Artist", "-T", "TITLE=A Title",
    "-T", "ALBUM=An Album", "-o", "flac.flac", "/tmp/mono.wav")
ffmpeg("/tmp/mono.wav", "-c:a", "adpcm_ima_wav", "adpcm.wav")
