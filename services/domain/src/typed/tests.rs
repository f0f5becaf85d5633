//! Every row of `awkward.csv`: what people really typed, and what it means or why it cannot be read.

use super::*;
use crate::quantity::Milli;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// Names of a few products; two of them become one without marks.
const PRODUCTS: &[&str] = &[
    "Bắp cải tím VietGAP bọc màng 1 cây",
    "Bắp cải tim VietGAP bọc màng 1 cây",
    "Bưởi Diễn VietGAP quả 0,8-1,2 kg",
    "Bưởi Diễn VietGAP quả 1,2-1,5 kg",
    "Rau muống VietGAP bó 500 g",
];

#[rustfmt::skip] // Five a line.
const DISTRICTS: &[&str] = &[
    "Ba Đình", "Hoàn Kiếm", "Tây Hồ", "Long Biên", "Cầu Giấy",
    "Đống Đa", "Hai Bà Trưng", "Hoàng Mai", "Thanh Xuân", "Sóc Sơn",
    "Đông Anh", "Gia Lâm", "Nam Từ Liêm", "Thanh Trì", "Bắc Từ Liêm",
    "Mê Linh", "Hà Đông", "Sơn Tây", "Ba Vì", "Phúc Thọ",
    "Đan Phượng", "Hoài Đức", "Quốc Oai", "Thạch Thất", "Chương Mỹ",
    "Thanh Oai", "Thường Tín", "Phú Xuyên", "Ứng Hòa", "Mỹ Đức",
];

/// The cells of one line; a quoted cell may hold commas.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

fn read(kind: &str, input: &str) -> Result<String, Misread> {
    let hanoi = TimeZone::get("Asia/Ho_Chi_Minh").unwrap();
    let now: Timestamp = "2026-11-25T08:00+07:00".parse().unwrap();
    let shown = |elements: Vec<Element>| elements.iter().map(ToString::to_string).collect::<Vec<_>>().join(";");
    let numbered = |prefix: &'static str, last: u32| {
        move |code: &str| {
            code.strip_prefix(prefix).and_then(|number| number.parse().ok()).is_some_and(|number| (1..=last).contains(&number))
        }
    };
    match kind {
        "quantity" => amount(input).map(|value| value.to_string()),
        "quantity_unit" => measured(input).map(|(value, base)| format!("{value} {}", base.code())),
        "unit" => unit(input).map(|unit| unit.code.to_owned()),
        "date" => event_date(input, now, &hanoi).map(|date| date.to_string()),
        "datetime" => date_time(input, &hanoi).map(|moment| {
            let offset = jiff::tz::offset(7);
            moment.instant.display_with_offset(offset).to_string()
        }),
        "name" => district(input, DISTRICTS).map(str::to_owned),
        "product_name" => product_name(input, PRODUCTS).map(str::to_owned),
        "code:gln" => gln(input),
        "code:gtin" => gtin(input),
        "code:sscc" => sscc(input),
        "code:lot" => lot_code(input).map(|code| code.to_string()),
        "code:digital_link" => digital_link(input).map(shown),
        "code:element_string" => element_string(input).map(shown),
        "code:product" => known_code(input, numbered("PK", 1_379)),
        "code:chain" => known_code(input, numbered("CH", 141)),
        other => panic!("kind {other} is new; read it too"),
    }
}

#[test]
fn what_people_type_is_read_or_said_to_be_unreadable() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in include_str!("awkward.csv").lines().skip(1) {
        let cells = cells(line);
        let [kind, input, expected, _note] = &cells[..] else { panic!("{line}") };
        let got = read(kind, input).unwrap_or_else(|misread| format!("error:{}", misread.reason.as_str()));
        if got != *expected {
            wrong.push(format!("{kind} {input:?}: {got}, not {expected}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "of {rows} rows:\n{}", wrong.join("\n"));
    assert!(rows > 100, "{rows} rows are fewer than there were");
}

#[test]
fn a_misread_says_what_was_typed_and_what_to_write() {
    let said = amount("1.5").unwrap_err().to_string();
    assert_eq!(
        said,
        "\"1.5\" could mean two numbers; write 1.379 for thousands and 1,5 for decimals, without a point or comma where either could be meant"
    );
    assert_eq!(quantity("2 ta").unwrap_err().to_string(), "\"2 ta\" has a unit that could be two (tạ, tá); write its marks");
    let said = number(&Milli(1).to_string()).unwrap_err().to_string();
    assert!(said.starts_with("\"0.001\" could mean two numbers"), "{said}");
}

/// Texts of the characters that mean something here, in any order.
const ODD: &str = "[0-9 .,:/()%+TZhgE\\-\u{2212}\u{A0}\u{200B}\u{FF11}\u{661}\u{301}\u{130}a-dkt\u{E0}\u{E1}\u{111}]{0,24}";

proptest! {
    #[test]
    fn any_text_is_read_or_not(text in prop_oneof![any::<String>(), ODD]) {
        for kind in [
            "quantity", "quantity_unit", "unit", "date", "datetime", "name", "product_name", "code:gln", "code:gtin", "code:sscc",
            "code:lot", "code:digital_link", "code:element_string", "code:product",
        ] {
            if let Err(misread) = read(kind, &text) {
                prop_assert_eq!(&misread.typed, &text);
            }
        }
        let _ = (quantity(&text), counted(&text));
    }
}
