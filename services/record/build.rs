//! Takes a digest of the sources by which a state is folded from the journal. What a recorder put away on disk is used by the
//! rules alone by which it was folded; any change of them makes it anew.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let mut files = vec![PathBuf::from("src/store.rs")];
    for folder in ["../domain/src", "../wire/src"] {
        println!("cargo:rerun-if-changed={folder}");
        list(Path::new(folder), &mut files)?;
    }
    println!("cargo:rerun-if-changed=src/store.rs");
    files.sort();
    let mut rules = DefaultHasher::new();
    for file in files {
        rules.write(&fs::read(file)?);
        rules.write_u8(0);
    }
    println!("cargo:rustc-env=CHUOI_RULES={:016x}", rules.finish());
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
