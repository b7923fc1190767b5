//! Link flags that keep the module safe inside a host process.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // Lua closes the library while librdkafka's threads still run in it.
        Ok("linux") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
            // No symbol of the static libraries may meet the host's own.
            println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
        }
        // The interpreter supplies lua_* when it loads the module.
        Ok("macos") => println!("cargo:rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup"),
        _ => {}
    }
}
