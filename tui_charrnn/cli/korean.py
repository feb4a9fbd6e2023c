"""The help in Korean: of the program, and the first sentence of every command."""

import os
from collections.abc import Mapping
from typing import Any, Final, TextIO

import typer

SENTENCES: Final = {
    "": "문자 단위 LSTM을 학습시키고 그 모델과 대화합니다. 명령 없이 실행하면 앱이 열립니다.",
    "train": "텍스트로 모델을 학습시킵니다.",
    "resume": "멈추거나 끊긴 학습을 그 자리에서 이어 갑니다.",
    "launch": "이 컴퓨터에서 여러 작업자로 함께 학습하고 지켜봅니다.",
    "generate": "모델이 쓰는 글을 한 글자씩 표준 출력으로 내보냅니다.",
    "score": "텍스트가 모델에게 얼마나 뜻밖인지 잽니다.",
    "neurons": "텍스트의 특징을 따라가는 모델의 뉴런을 찾습니다.",
    "history": "모델이 쓴 글의 기록을 보거나 찾거나 다시 쓰게 합니다.",
    "history list": "모델이 최근에 쓴 글을 보여 줍니다.",
    "history show": "글 하나와 그 글을 만든 모든 설정을 보여 줍니다.",
    "history search": "낱말이나 그 일부로 글을 찾습니다.",
    "history replay": "같은 모델과 같은 설정으로 글을 다시 쓰게 합니다.",
    "history rm": "글을 기록에서 완전히 지웁니다.",
    "history clear": "기록 전체를 완전히 지웁니다.",
    "attach": "학습 기록 하나를 골라 앱에서 엽니다.",
    "stop": "저장하고 멈추도록 요청한 뒤 끝날 때까지 기다립니다.",
    "set": "진행 중인 학습의 설정을 다음 스텝부터 바꿉니다.",
    "pause": "진행 중인 학습을 저장하고 잠시 멈춥니다.",
    "unpause": "잠시 멈춘 학습을 다시 진행합니다.",
    "models": "대화할 수 있는 모델의 목록을 보여 줍니다.",
    "doctor": "이 컴퓨터에서 학습이 어떻게 실행되는지 진단합니다.",
    "config": "설정이 어디에 있고 무엇이 적용되는지 보여 줍니다.",
    "config path": "설정 파일이 있거나 있게 될 위치를 출력합니다.",
    "config show": "지금 적용되는 모든 설정과 그 출처를 출력합니다.",
    "config init": "모든 설정을 설명한 첫 설정 파일을 만듭니다. 바뀌는 값은 없습니다.",
    "runs": "학습 기록의 목록을 보거나 관리합니다.",
    "runs list": "학습 기록을 최신순으로 보여 줍니다.",
    "runs show": "학습 기록 하나의 모든 정보를 보여 줍니다.",
    "runs rename": "학습 기록의 이름을 바꿉니다. 학습 중에는 바꿀 수 없습니다.",
    "runs export": "학습 기록을 압축 파일 하나로 묶거나 모델만 복사합니다.",
    "runs rm": "학습 기록을 휴지통으로 옮기거나 휴지통을 비웁니다.",
    "runs restore": "휴지통에 있는 학습 기록을 되살립니다.",
    "corpora": "이름이 있는 말뭉치의 목록을 보거나 텍스트를 살펴봅니다.",
    "corpora list": "이름이 있는 말뭉치의 목록을 보여 줍니다.",
    "corpora inspect": "텍스트의 크기, 인코딩, 문자, 분할, 기준선을 알려 줍니다.",
}
"""By the words after the program's name; short enough for the list of commands in 80 columns."""
OPTIONS: Final = {
    "model": "대화할 모델: 파일, 학습 기록 또는 내장 모델의 이름.",
    "tape": "열 테이프: 앱이 저장한, 모든 갈래가 담긴 글.",
    "xray": "모델이 읽고 얼마나 뜻밖인지 색으로 보여 줄 글.",
    "is_ascii": "앱의 테두리와 그래프를 ASCII로 그립니다.",
    "runs_dir": "학습 기록 폴더. 환경 변수 CHARRNN_RUNS나 설정으로 기본값을 바꿉니다.",
    "version": "버전을 출력하고 끝냅니다.",
    "install_completion": "현재 셸에 자동 완성을 설치합니다.",
    "show_completion": "현재 셸의 자동 완성 코드를 출력합니다.",
    "help": "이 도움말을 출력하고 끝냅니다.",
}
"""By the name that the program has for each option of its own."""


def wants_korean(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the user reads Korean: CHARRNN_LANG says so, or else the locale of messages.

    Args:
        stream: Where the help is written; one that has no Hangul gets the English help.
        environment: The variables of this process.
    """
    names = ("CHARRNN_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    language = next((environment[name] for name in names if environment.get(name)), "")
    if language.replace("-", "_").partition(".")[0].partition("_")[0].lower() != "ko":
        return False
    try:
        SENTENCES[""].encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def speak_korean(command: Any) -> None:
    """Put the Korean sentences in the place of the English ones; what follows them stays.

    Args:
        command: The program as Typer has made it, with whichever commands are loaded.
    """
    _translate(command, ())
    for parameter in command.get_params(typer.Context(command, **command.context_settings)):
        if parameter.name in OPTIONS:
            parameter.help = OPTIONS[parameter.name]


def _translate(command: Any, words: tuple[str, ...]) -> None:
    sentence = SENTENCES.get(" ".join(words))
    if sentence is not None:
        rest = (command.help or "").partition("\n\n")[2]
        command.help = f"{sentence}\n\n{rest}" if rest else sentence
        command.short_help = sentence
    for name, child in getattr(command, "commands", {}).items():
        _translate(child, (*words, name))
